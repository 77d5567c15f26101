#include "runtime/run/stage/image_user.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/temp_dir.h"

namespace stagebox::run {
namespace {

constexpr std::uint32_t kIds = 65536;

class ImageUserTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(::mkdirat(dir_.fd(), "layer", 0755), 0);
    ASSERT_EQ(::mkdirat(dir_.fd(), "layer/etc", 0755), 0);
    write("layer/etc/passwd",
          "root:x:0:0::/root:/bin/sh\nweb:x:33:44::/srv:/bin/sh\nhuge:x:4294967296:0::/:\n"
          "negative:x:-1:0::/:\nhex:x:0x10:0::/:\nlast:x:65536:0::/:\nshort:x\n");
    write("layer/etc/group", "root:x:0:\nwww:x:44:\nextra:x:55:other,web\nbad:x:4294967297:web\n");
    layers_.push_back(base::open_path(dir_.path("layer"), O_PATH | O_DIRECTORY).value());
  }
  void write(const std::string& path, const std::string& content) const {
    ASSERT_TRUE(base::replace_file_at(dir_.fd(), path, content, 0644).ok());
  }
  base::Result<ResolvedUser> resolve(std::string_view text, std::uint32_t count = kIds) const {
    return resolve_user(text, layers_, count);
  }

  stagebox::testing::TempDir dir_;
  std::vector<base::UniqueFd> layers_;
};

TEST_F(ImageUserTest, NothingIsRoot) {
  const auto user = resolve("").value();
  EXPECT_EQ(user.ids.uid, 0U);
  EXPECT_EQ(user.home, "/root");
}

TEST_F(ImageUserTest, NamesBringTheirGroups) {
  const auto user = resolve("web").value();
  EXPECT_EQ(user.ids.uid, 33U);
  EXPECT_EQ(user.ids.gid, 44U);
  EXPECT_EQ(user.ids.groups, std::vector<gid_t>{55});
  EXPECT_EQ(user.home, "/srv");
}

TEST_F(ImageUserTest, NumbersAndPairs) {
  EXPECT_EQ(resolve("33").value().ids.gid, 44U) << "the passwd entry of that id";
  EXPECT_EQ(resolve("1234").value().ids.gid, 0U);
  EXPECT_EQ(resolve("1234:5678").value().ids.gid, 5678U);
  EXPECT_EQ(resolve("web:extra").value().ids.gid, 55U);
  EXPECT_TRUE(resolve("web:extra").value().ids.groups.empty());
}

TEST_F(ImageUserTest, NoIdWrapsAroundOrLeavesTheRange) {
  for (const char* text :
       {"4294967296", "65536",  "-1",         "+0",       "0x0",
        "1 ",         " 1",     "1:65536",    "1:-1",     ":1",
        "1:",         ":",      "huge",       "negative", "hex",
        "last",       "nobody", "web:nobody", "1:2:3",    "18446744073709551616"}) {
    EXPECT_FALSE(resolve(text).ok()) << text;
  }
}

TEST_F(ImageUserTest, WithASingleIdOnlyRootExists) {
  EXPECT_TRUE(resolve("0", 1).ok());
  EXPECT_EQ(resolve("33", 1).error().kind, base::ErrorKind::kUnsupported);
}

TEST_F(ImageUserTest, HostileAccountFilesAreNotFollowed) {
  ASSERT_TRUE(base::remove_tree_at(dir_.fd(), "layer/etc/passwd").ok());
  ASSERT_EQ(::symlinkat("/etc/passwd", dir_.fd(), "layer/etc/passwd"), 0);
  EXPECT_FALSE(resolve("root").ok()) << "the host's file was read";
  ASSERT_TRUE(base::remove_tree_at(dir_.fd(), "layer/etc/passwd").ok());
  ASSERT_EQ(::mkfifoat(dir_.fd(), "layer/etc/passwd", 0644), 0);
  EXPECT_FALSE(resolve("root").ok());
  ASSERT_TRUE(base::remove_tree_at(dir_.fd(), "layer/etc/passwd").ok());
  write("layer/etc/passwd", std::string(std::size_t{2} << 20, 'x'));
  EXPECT_FALSE(resolve("root").ok());
}

TEST_F(ImageUserTest, TheUppermostLayerWins) {
  ASSERT_EQ(::mkdirat(dir_.fd(), "upper", 0755), 0);
  ASSERT_EQ(::mkdirat(dir_.fd(), "upper/etc", 0755), 0);
  write("upper/etc/passwd", "web:x:77:0::/:\n");
  layers_.insert(layers_.begin(),
                 base::open_path(dir_.path("upper"), O_PATH | O_DIRECTORY).value());
  EXPECT_EQ(resolve("web").value().ids.uid, 77U);
}

}  // namespace
}  // namespace stagebox::run
