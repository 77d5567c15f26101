// What removes a dead sandbox's files walks through what the sandbox has left: it must not be led
// away (CVE-2024-23652), nor held up.
#include <filesystem>
#include <fstream>

#include "tests/kernel/escape/escape_fixture.h"

namespace stagebox::testing {
namespace {

namespace fs = std::filesystem;

class CleanupTest : public EscapeTest {
 protected:
  // Runs the script, which leaves its traps, and has the scratch directory removed (run does). The
  // canary is compared when the test ends.
  void leave(const std::string& script) {
    const auto result = run(script);
    ASSERT_TRUE(result.ok()) << result.error().message;
    EXPECT_FALSE(fs::exists(dir_.path("scratch"))) << "it was not removed";
  }
};

TEST_F(CleanupTest, LinksAreRemovedAndNotFollowed) {
  const std::string up = "../../../../../../../../../../../..";
  leave("ln -s " + canary() + " absolute; ln -s " + up + canary() + " relative; ln -s " + canary() +
        "/dir dir; mkdir d; ln -s " + canary() + "/dir d/in; ln -s " + canary() +
        " /tmp/in; ln -s " + canary() + " /new");
}

// The mount point of an input is a stub of ours in the workspace, and its parents are too.
TEST_F(CleanupTest, StubsReplacedByLinks) {
  fs::create_directory(dir_.path("input"));
  own_by_sandbox_root("input");
  input_dir_ = dir_.path("input");
  leave("mv in away 2>/dev/null; rm -rf in; ln -s " + canary() + " in; ln -s " + canary() +
        " upper; ln -s " + canary() + " work; true");
  input_mode_ = sandbox::InputMount::Mode::kOverlay;
  leave("rm -rf in/..?* in/*; ln -s " + canary() + " in/link; ln -s " + canary() +
        " in/upper; true");
}

TEST_F(CleanupTest, WhatCannotBeEnteredOrOpenedGoesToo) {
  leave(
      "mkdir -p a/b/c; touch a/b/c/f; chmod 000 a/b/c a/b a; mkfifo fifo; touch unreadable; chmod "
      "000 unreadable; chmod 000 .");
}

TEST_F(CleanupTest, DeepTreesAndOddNames) {
  leave(
      "i=0; while [ $i -lt 600 ]; do mkdir d && cd d || break; i=$((i+1)); done; cd /workspace; "
      "touch -- '-rf' '*' \"$(printf 'new\\nline')\" ' '; mkdir '..x' '...'");
}

}  // namespace
}  // namespace stagebox::testing
