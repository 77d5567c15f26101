#include "runtime/run/secret_leak.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "runtime/run/secrets/secret_patterns.h"
#include "tests/support/temp_dir.h"

namespace stagebox::run {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class SecretLeakTest : public ::testing::Test {
 protected:
  void write(const std::string& path, const std::string& content) const {
    std::filesystem::create_directories(std::filesystem::path(dir_.path(path)).parent_path());
    std::ofstream(dir_.path(path)) << content;
  }
  [[nodiscard]] std::vector<std::string> leaks() const {
    scheduler::Output output;
    output.name = "out";
    output.path = base::RelativePath::parse("out").value();
    output.max_size = max_size_;
    const SecretAutomaton secrets(secret_patterns("hunter22"));
    auto found = find_secrets({output}, WorkspaceView{dir_.fd()}, secrets, max_entries_);
    EXPECT_TRUE(found.ok()) << (found.ok() ? "" : found.error().message);
    return found.ok() ? *found : std::vector<std::string>();
  }
  testing::TempDir dir_;
  std::uint64_t max_entries_ = 1000;
  std::optional<std::uint64_t> max_size_;
};

TEST_F(SecretLeakTest, NothingIsFoundWhereNothingIs) {
  EXPECT_THAT(leaks(), IsEmpty()) << "that it is missing is told by the capture";
  write("out/a/file", "nothing of it: hunter2");
  write("elsewhere", "hunter22");
  EXPECT_THAT(leaks(), IsEmpty());
}

TEST_F(SecretLeakTest, NothingIsSearchedThatIsTooLargeToBeStored) {
  write("out/a/file", "1234567");
  write("out/b", "8");
  max_size_ = 7;
  EXPECT_THAT(leaks(), ElementsAre("output \"out\": it is larger than its limit of 7 B"));
  max_size_ = 8;
  EXPECT_THAT(leaks(), IsEmpty());
  max_entries_ = 2;
  EXPECT_THAT(leaks(),
              ElementsAre("output \"out\": it has more files and directories than its limit of 2"));
  max_entries_ = 3;
  EXPECT_THAT(leaks(), IsEmpty());
}

TEST_F(SecretLeakTest, ItEndsWhenItIsStopped) {
  write("out/a/file", "hunter22");
  scheduler::Output output;
  output.name = "out";
  output.path = base::RelativePath::parse("out").value();
  const SecretAutomaton secrets(secret_patterns("hunter22"));
  std::stop_source stop;
  stop.request_stop();
  const auto found =
      find_secrets({output}, WorkspaceView{dir_.fd()}, secrets, max_entries_, stop.get_token());
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().kind, base::ErrorKind::kCancelled);
}

TEST_F(SecretLeakTest, BelowAMountItIsLookedForInTheMount) {
  const testing::TempDir mounted;
  std::ofstream(mounted.path("file")) << "hunter22";
  scheduler::Output output;
  output.name = "x";
  output.path = base::RelativePath::parse("src/file").value();
  const WorkspaceView view{dir_.fd(), {{base::RelativePath::parse("src").value(), mounted.fd()}}};
  const SecretAutomaton secrets(secret_patterns("hunter22"));
  const auto found = find_secrets({output}, view, secrets, 1000);
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_THAT(*found, ElementsAre("output \"x\": the file \"src/file\" contains a secret"));
}

// A few blocks on the disk; to read all of it would take years.
TEST_F(SecretLeakTest, HolesAreNotRead) {
  std::filesystem::create_directories(dir_.path("out"));
  constexpr std::uint64_t kHuge = std::uint64_t{8} << 40U;
  write("out/file", "nothing of it");
  std::filesystem::resize_file(dir_.path("out/file"), kHuge);
  EXPECT_THAT(leaks(), IsEmpty());
  std::fstream file(dir_.path("out/file"), std::ios::in | std::ios::out);
  file.seekp(kHuge - 100);
  file << "hunter22";
  file.close();
  EXPECT_THAT(leaks(), ElementsAre("output \"out\": the file \"out/file\" contains a secret"));
}

TEST_F(SecretLeakTest, InFilesAtAnyPlaceAndAcrossBuffers) {
  write("out/a/deep/file", std::string(256 * 1024 - 3, '.') + "hunter22");
  EXPECT_THAT(leaks(),
              ElementsAre("output \"out\": the file \"out/a/deep/file\" contains a secret"));
  write("out/a/deep/file", "");
  write("out/encoded", "aHVudGVyMjI=");
  EXPECT_THAT(leaks(), ElementsAre("output \"out\": the file \"out/encoded\" contains a secret"));
}

TEST_F(SecretLeakTest, InNamesAndLinks) {
  write("out/x-hunter22/file", "");
  EXPECT_THAT(leaks(), ElementsAre("output \"out\": the name \"out/x-***\" contains a secret"));
  std::filesystem::remove_all(dir_.path("out"));
  write("out/file", "");
  std::filesystem::create_symlink("/hunter22", dir_.path("out/link"));
  EXPECT_THAT(leaks(), ElementsAre("output \"out\": the link \"out/link\" contains a secret"));
}

TEST_F(SecretLeakTest, NoMoreIsSearchedThanTheLimits) {
  write("a/file", std::string(1000, 'x'));
  write("a/other", "x");
  const SecretAutomaton secrets(secret_patterns("hunter22"));
  const auto search = [&](const SearchLimits& limits) {
    return find_secret_below(dir_.fd(), secrets, limits).value().value_or("clean");
  };
  EXPECT_EQ(search({1001, 3}), "clean");
  EXPECT_EQ(search({1000, 3}), "it is larger than its limit of 1000 B");
  EXPECT_EQ(search({1001, 2}), "it has more files and directories than its limit of 2");
}

}  // namespace
}  // namespace stagebox::run
