// Whoever shares a tree with a sandbox that is being set up swaps names in it, by RENAME_EXCHANGE,
// as fast as it can (CVE-2021-30465, CVE-2024-45310, CVE-2024-1753).
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/kernel/escape/escape_fixture.h"
#include "tests/kernel/host_process.h"

namespace stagebox::testing {
namespace {

namespace fs = std::filesystem;

// Exchanges two names until it goes out of scope.
class Racer {
 public:
  Racer(std::string one, std::string other)
      : thread_([this, one = std::move(one), other = std::move(other)] {
          while (!stop_) {
            if (::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE) == 0)
              ++swaps_;
          }
        }) {}
  Racer(const Racer&) = delete;
  Racer& operator=(const Racer&) = delete;
  ~Racer() {
    stop_ = true;
    thread_.join();
  }
  [[nodiscard]] long swaps() const { return swaps_; }

 private:
  std::atomic<bool> stop_{false};
  std::atomic<long> swaps_{0};
  std::thread thread_;
};

class RaceTest : public EscapeTest {
 protected:
  static constexpr int kFewest = 4;

  // Starts sandboxes for a bounded time. None may see or touch the canary; it does not matter how
  // many of them start.
  void start_sandboxes(const std::string& script) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
    int started = 0;
    int refused = 0;
    // On a busy machine a few sandboxes may take longer than that.
    while (std::chrono::steady_clock::now() < end || started + refused < kFewest) {
      const auto result = run(script);
      if (result.ok()) {
        ++started;
        EXPECT_EQ(result->output.find("sesame"), std::string::npos) << result->output;
      } else {
        ++refused;
        EXPECT_NE(result.error().message.find("set up the sandbox"), std::string::npos)
            << result.error().message;
        discard_scratch();
      }
    }
    RecordProperty("started", started);
    RecordProperty("refused", refused);
  }

  // While `one` and `other` change places.
  void race(const std::string& one, const std::string& other, const std::string& script) {
    const Racer racer(one, other);
    start_sandboxes(script);
    EXPECT_GT(racer.swaps(), 100);
  }

  [[nodiscard]] std::string layer(const std::string& path) const {
    return dir_.path("layer/" + path);
  }
};

TEST_F(RaceTest, MountTargetInTheImage) {
  fs::create_directory(layer("workspace"));
  fs::create_symlink(canary(), layer("link"));
  own_by_sandbox_root("layer");
  race(layer("workspace"), layer("link"), "cat secret; echo x > /workspace/mine");
}

TEST_F(RaceTest, ParentOfAMountTargetInTheImage) {
  fs::create_directories(layer("data/dir"));
  fs::create_symlink(canary(), layer("link"));
  own_by_sandbox_root("layer");
  spec_.workspace = "data/dir/workspace";
  spec_.command.workdir = "/";
  race(layer("data"), layer("link"),
       "cat /data/secret /data/dir/secret; echo x > /data/dir/workspace/mine");
}

TEST_F(RaceTest, InjectedFile) {
  std::ofstream(layer("etc/hosts")) << "hosts";
  fs::create_symlink(canary() + "/secret", layer("etc/link"));
  own_by_sandbox_root("layer");
  race(layer("etc/hosts"), layer("etc/link"), "cat /etc/hosts; echo x > /etc/hosts");
}

TEST_F(RaceTest, DeviceDirectory) {
  fs::create_directory(layer("dev"));
  fs::create_symlink(canary(), layer("link"));
  own_by_sandbox_root("layer");
  race(layer("dev"), layer("link"), "cat /dev/secret; echo x > /dev/mine");
}

// The one who swaps is a sandbox itself, to which the other's image is a directory that it may
// write to.
TEST_F(RaceTest, FromASandboxThatSharesTheTree) {
  fs::create_directory(layer("workspace"));
  fs::create_symlink(canary(), layer("link"));
  own_by_sandbox_root("layer");
  ASSERT_EQ(::chmod(layer("").c_str(), 0777), 0);
  ASSERT_EQ(::chmod(layer("workspace").c_str(), 0777), 0);
  bind_dirs_ = {dir_.path("layer")};
  spec_.mounts.push_back({sandbox::Mount::Type::kBind, "shared", 0, "", 0});
  scratch_name_ = "racer";
  const HeldSandbox racer =
      HOLD("cd /shared && exec attack exchange workspace link 1000", Until::kRunning);
  bind_dirs_.clear();
  spec_.mounts.clear();
  scratch_name_ = "scratch";
  struct stat before{};
  ASSERT_EQ(::lstat(layer("workspace").c_str(), &before), 0);
  EXPECT_TRUE(becomes_true([&] {
    struct stat now{};
    return ::lstat(layer("workspace").c_str(), &now) == 0 && now.st_ino != before.st_ino;
  })) << "it swaps nothing";
  start_sandboxes("cat secret; echo x > /workspace/mine");
}

// Inside of a source: links in an input are only ever resolved in the sandbox.
TEST_F(RaceTest, InsideOfAnInput) {
  fs::create_directories(dir_.path("input/dir"));
  std::ofstream(dir_.path("input/dir/secret")) << "mine\n";
  fs::create_symlink(canary(), dir_.path("input/link"));
  own_by_sandbox_root("input");
  input_dir_ = dir_.path("input");
  for (const auto mode :
       {sandbox::InputMount::Mode::kReadOnly, sandbox::InputMount::Mode::kOverlay}) {
    input_mode_ = mode;
    race(dir_.path("input/dir"), dir_.path("input/link"),
         "i=0; while [ $i -lt 40 ]; do cat in/dir/secret; echo x > in/dir/mine; i=$((i+1)); done");
  }
}

}  // namespace
}  // namespace stagebox::testing
