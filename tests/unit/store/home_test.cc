#include "runtime/store/home.h"

#include <map>

#include "tests/unit/store/store_fixture.h"

namespace stagebox::store {
namespace {

using base::ErrorKind;

HomeRequest request(std::map<std::string, std::string> variables, uid_t uid = 1000) {
  return {[variables = std::move(variables)](std::string_view name) -> std::optional<std::string> {
            const auto found = variables.find(std::string(name));
            return found != variables.end() ? std::optional(found->second) : std::nullopt;
          },
          uid};
}

TEST(Home, TheFirstOfTheUsualPlaces) {
  EXPECT_EQ(Home::resolve(request({{"STAGEBOX_HOME", "/a"}, {"XDG_DATA_HOME", "/b"}})).value(),
            "/a");
  EXPECT_EQ(Home::resolve(request({{"XDG_DATA_HOME", "/b"}, {"HOME", "/c"}})).value(),
            "/b/stagebox");
  EXPECT_EQ(Home::resolve(request({{"HOME", "/c"}})).value(), "/c/.local/share/stagebox");
  EXPECT_EQ(Home::resolve(request({{"STAGEBOX_HOME", ""}, {"XDG_DATA_HOME", ""}, {"HOME", "/c"}}))
                .value(),
            "/c/.local/share/stagebox");
  EXPECT_EQ(Home::resolve(request({{"XDG_DATA_HOME", "relative"}, {"HOME", "/c"}})).value(),
            "/c/.local/share/stagebox");
}

TEST(Home, RootHasTheSystemsPlace) {
  EXPECT_EQ(Home::resolve(request({{"HOME", "/root"}, {"XDG_DATA_HOME", "/b"}}, 0)).value(),
            "/var/lib/stagebox");
  EXPECT_EQ(Home::resolve(request({{"STAGEBOX_HOME", "/a"}}, 0)).value(), "/a");
}

TEST(Home, NoPlaceIsAnErrorThatSaysWhatToSet) {
  const auto none = Home::resolve(request({}));
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().kind, ErrorKind::kInvalid);
  EXPECT_NE(none.error().message.find("STAGEBOX_HOME"), std::string::npos);
  EXPECT_EQ(Home::resolve(request({{"STAGEBOX_HOME", "here"}})).error().kind, ErrorKind::kInvalid);
}

TEST(Home, IsMadePrivate) {
  const TempDir dir;
  const auto home = Home::open(request({{"STAGEBOX_HOME", dir.path("a/b/home")}}, ::geteuid()));
  ASSERT_TRUE(home.ok()) << home.error().message;
  EXPECT_EQ(home->path(), dir.path("a/b/home"));
  EXPECT_EQ(base::stat_fd(home->fd())->st_mode & 07777U, 0700U);
  const auto sub = home->subdirectory("logs");
  ASSERT_TRUE(sub.ok());
  EXPECT_EQ(base::stat_fd(sub->get())->st_mode & 07777U, 0700U);
  EXPECT_TRUE(home->subdirectory("logs").ok()) << "again";
  EXPECT_TRUE(Home::open(request({{"STAGEBOX_HOME", home->path()}}, ::geteuid())).ok());
}

TEST(Home, ADirectoryOthersCanChangeIsRefused) {
  const TempDir dir;
  for (const unsigned mode : {0770U, 0707U, 0777U, 01777U}) {
    ASSERT_EQ(::chmod(dir.path().c_str(), mode), 0);
    const auto home = Home::open(request({{"STAGEBOX_HOME", dir.path()}}, ::geteuid()));
    ASSERT_FALSE(home.ok()) << mode;
    EXPECT_NE(home.error().message.find("chmod go-w"), std::string::npos);
  }
  ASSERT_EQ(::chmod(dir.path().c_str(), 0755), 0);
  EXPECT_TRUE(Home::open(request({{"STAGEBOX_HOME", dir.path()}}, ::geteuid())).ok());
  const auto foreign = Home::open(request({{"STAGEBOX_HOME", dir.path()}}, ::geteuid() + 1));
  ASSERT_FALSE(foreign.ok());
  EXPECT_NE(foreign.error().message.find("belongs to user"), std::string::npos);
}

TEST(Home, SubdirectoriesAreOneRealComponent) {
  const TempDir dir;
  const auto home = Home::open(request({{"STAGEBOX_HOME", dir.path()}}, ::geteuid()));
  for (const char* name : {"", ".", "..", "a/b", "/tmp"}) {
    EXPECT_FALSE(home->subdirectory(name).ok()) << name;
  }
  ASSERT_EQ(::symlinkat("/tmp", dir.fd(), "link"), 0);
  EXPECT_FALSE(home->subdirectory("link").ok());
}

TEST(Home, AFileInItsPlaceIsAnError) {
  const TempDir dir;
  write_at(dir, "file", "x");
  EXPECT_FALSE(Home::open(request({{"STAGEBOX_HOME", dir.path("file")}}, ::geteuid())).ok());
  EXPECT_FALSE(Home::open(request({{"STAGEBOX_HOME", dir.path("file/x")}}, ::geteuid())).ok());
}

TEST(Home, OneOfANewerStageboxIsRefused) {
  const TempDir dir;
  const auto open = [&dir](std::string_view version) {
    EXPECT_TRUE(base::replace_file_at(dir.fd(), "version", version, 0600).ok());
    return Home::open(request({{"STAGEBOX_HOME", dir.path()}}, ::geteuid()));
  };
  EXPECT_TRUE(open("1\n").ok());
  const auto newer = open("2\n");
  ASSERT_FALSE(newer.ok());
  EXPECT_EQ(newer.error().kind, ErrorKind::kUnsupported);
  EXPECT_NE(newer.error().message.find("use the newer Stagebox"), std::string::npos);
  EXPECT_EQ(open("18446744073709551615").error().kind, ErrorKind::kUnsupported);
  for (const std::string& text : {std::string(), std::string("0"), std::string("one"),
                                  std::string("1 "), std::string(100, '1')})
    EXPECT_EQ(open(text).error().kind, ErrorKind::kCorrupt) << text;
}

}  // namespace
}  // namespace stagebox::store
