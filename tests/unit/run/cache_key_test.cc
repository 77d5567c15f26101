#include "runtime/run/stage/cache_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.h"

namespace stagebox::run {
namespace {

using ::testing::HasSubstr;

class CacheKeyTest : public ::testing::Test {
 protected:
  void write(const std::string& path, const std::string& content) const {
    std::filesystem::create_directories(std::filesystem::path(dir_.path(path)).parent_path());
    std::ofstream(dir_.path(path)) << content;
  }
  /// The directory as an input.
  [[nodiscard]] ResolvedInput directory(const std::string& at) const {
    const auto tree = content_->put_tree(dir_.fd()).value();
    ResolvedInput input;
    input.input.at = base::RelativePath::parse(at).value();
    input.content.kind = store::OutputKind::kDirectory;
    input.content.digest = tree.root;
    return input;
  }
  [[nodiscard]] ResolvedInput file(const std::string& at, const std::string& content) const {
    ResolvedInput input;
    input.input.at = base::RelativePath::parse(at).value();
    input.content.digest = content_->put_bytes(content)->digest;
    return input;
  }
  /// Empty when nothing matched.
  [[nodiscard]] std::string hash(const std::vector<std::string>& patterns,
                                 const std::vector<ResolvedInput>& inputs) const {
    const auto found = hash_inputs(patterns, inputs, *content_);
    if (!found.ok()) {
      EXPECT_EQ(found.error().kind, base::ErrorKind::kInvalid);
      EXPECT_THAT(found.error().message, HasSubstr("matches no file in the stage's inputs"));
    }
    return found.ok() ? found->hex() : "";
  }

  stagebox::testing::TempDir home_;
  stagebox::testing::TempDir dir_;
  base::Result<store::ContentStore> content_ = store::ContentStore::open(home_.fd());
};

TEST_F(CacheKeyTest, IsOfWhatTheStageSees) {
  write("a.lock", "1");
  write("deep/a.lock", "2");
  write("other", "x");
  const std::vector<ResolvedInput> inputs{directory("src")};
  const std::string one = hash({"src/a.lock"}, inputs);
  ASSERT_EQ(one.size(), 64U);
  EXPECT_EQ(hash({"a.lock"}, {directory("src")}), hash({"src/**/a.lock"}, inputs));
  EXPECT_NE(hash({"a.lock"}, inputs), one);
  EXPECT_EQ(hash({"a.lock", "!deep/a.lock"}, inputs), hash({"a.lock"}, inputs))
      << "patterns begin in the workspace";
  EXPECT_EQ(hash({"a.lock", "!src/deep/a.lock"}, inputs), one);
  EXPECT_EQ(hash({"src/deep/"}, inputs), hash({"src/deep/a.lock"}, inputs));
  EXPECT_EQ(hash({"src/deep", "!a.lock"}, inputs), "");
  for (const char* nothing : {"a.lok", "src/b/a.lock", "lib/a.lock"})
    EXPECT_EQ(hash({nothing}, inputs), "") << nothing;
  write("other", "changed");
  EXPECT_EQ(hash({"src/a.lock"}, {directory("src")}), one);
}

TEST_F(CacheKeyTest, ChangesWithContentNameModeAndLink) {
  write("d/f", "1");
  const std::string before = hash({"s/d/"}, {directory("s")});
  const auto changed = [&] { return hash({"s/d/"}, {directory("s")}) != before; };
  EXPECT_FALSE(changed());
  std::filesystem::permissions(dir_.path("d/f"), std::filesystem::perms::owner_all);
  EXPECT_TRUE(changed());
  std::filesystem::permissions(dir_.path("d/f"), std::filesystem::perms(0644));
  EXPECT_FALSE(changed());
  std::filesystem::rename(dir_.path("d/f"), dir_.path("d/g"));
  EXPECT_TRUE(changed());
  std::filesystem::rename(dir_.path("d/g"), dir_.path("d/f"));
  write("d/f", "2");
  EXPECT_TRUE(changed());
  write("d/f", "1");
  // A link is what it says, wherever that leads.
  ASSERT_EQ(::symlink("/etc/passwd", dir_.path("d/link").c_str()), 0);
  const std::string linked = hash({"s/d/"}, {directory("s")});
  EXPECT_NE(linked, before);
  std::filesystem::remove(dir_.path("d/link"));
  write("d/link", "/etc/passwd");
  EXPECT_NE(hash({"s/d/"}, {directory("s")}), linked);
}

TEST_F(CacheKeyTest, SingleFilesAndSeveralInputs) {
  const std::vector<ResolvedInput> inputs{file("a/x.lock", "1"), file("b.lock", "2")};
  EXPECT_NE(hash({"a/x.lock"}, inputs), "");
  EXPECT_EQ(hash({"a"}, inputs), hash({"a/x.lock"}, inputs)) << "a directory above an input";
  EXPECT_NE(hash({"*.lock"}, inputs), hash({"a/x.lock"}, inputs));
  EXPECT_EQ(hash({"*.lock"}, inputs), hash({"b.lock", "x.lock"}, {inputs[1], inputs[0]}));
}

TEST_F(CacheKeyTest, TheTemplateIsFilledIn) {
  const std::vector<ResolvedInput> inputs{file("l", "1")};
  const auto key = cache_key({{"npm-", {}}, {"", {"l"}}, {"-x", {}}}, inputs, *content_);
  EXPECT_EQ(key.value(), "npm-" + hash({"l"}, inputs) + "-x");
  EXPECT_FALSE(cache_key({{"npm-", {}}, {"", {"none"}}}, inputs, *content_).ok());
}

}  // namespace
}  // namespace stagebox::run
