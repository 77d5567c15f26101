#include "runtime/run/secret_leak.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "runtime/run/secret_patterns.h"
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
    const SecretAutomaton secrets(secret_patterns("hunter22"));
    auto found = find_secrets({output}, WorkspaceView{dir_.fd()}, secrets);
    EXPECT_TRUE(found.ok()) << (found.ok() ? "" : found.error().message);
    return found.ok() ? *found : std::vector<std::string>();
  }
  testing::TempDir dir_;
};

TEST_F(SecretLeakTest, NothingIsFoundWhereNothingIs) {
  EXPECT_THAT(leaks(), IsEmpty()) << "that it is missing is told by the capture";
  write("out/a/file", "nothing of it: hunter2");
  write("elsewhere", "hunter22");
  EXPECT_THAT(leaks(), IsEmpty());
}

TEST_F(SecretLeakTest, BelowAMountItIsLookedForInTheMount) {
  const testing::TempDir mounted;
  std::ofstream(mounted.path("file")) << "hunter22";
  scheduler::Output output;
  output.name = "x";
  output.path = base::RelativePath::parse("src/file").value();
  const WorkspaceView view{dir_.fd(), {{base::RelativePath::parse("src").value(), mounted.fd()}}};
  const SecretAutomaton secrets(secret_patterns("hunter22"));
  const auto found = find_secrets({output}, view, secrets);
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_THAT(*found, ElementsAre("output \"x\": the file \"src/file\" contains a secret"));
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

}  // namespace
}  // namespace stagebox::run
