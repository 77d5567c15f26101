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

  // Starts sandboxes for a bounded time while `one` and `other` change places. None may see or
  // touch the canary; it does not matter how many of them start.
  void race(const std::string& one, const std::string& other, const std::string& script) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
    const Racer racer(one, other);
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
        discard_scratch();
      }
    }
    EXPECT_GT(racer.swaps(), 100);
    RecordProperty("started", started);
    RecordProperty("refused", refused);
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
