// Many sandboxes, one after the other: nothing of them may add up.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>

#include "runtime/base/files.h"
#include "sandbox/cgroup/cgroup_files.h"
#include "tests/kernel/sandbox_fixture.h"

namespace stagebox::testing {
namespace {

namespace fs = std::filesystem;

// 200 show what adds up, and fewer whether an ordinary user's do; the environment says otherwise on
// a slow machine and for a thorough look, which is 10,000.
int how_many(sandbox::HostIds::Kind kind) {
  const char* text = std::getenv("STAGEBOX_MANY_SANDBOXES");
  if (text != nullptr) return std::max(1, std::atoi(text));
  return kind == sandbox::HostIds::Kind::kRoot ? 200 : 100;
}

std::size_t entries(const std::string& dir) {
  std::error_code error;
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(dir, error), fs::directory_iterator()));
}

// A field of /proc/PID/status in its own unit; 0 when there is none.
std::uint64_t status_field(const std::string& pid, const std::string& name) {
  std::string status = sandbox::read_or_empty("/proc/" + pid + "/status");
  const std::size_t line = status.find("\n" + name + ":");
  if (line == std::string::npos) return 0;
  const std::size_t value = status.find_first_of("0123456789", line);
  return value == std::string::npos ? 0
                                    : sandbox::parse_number(std::string_view(status).substr(value));
}

// This process, its children and theirs, dead ones that nobody waited for included.
std::set<std::string> family() {
  std::set<std::string> found{std::to_string(::getpid())};
  for (int generation = 0; generation < 2; ++generation) {
    for (const auto& entry : fs::directory_iterator("/proc")) {
      const std::string pid = entry.path().filename();
      if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
      if (found.contains(std::to_string(status_field(pid, "PPid")))) found.insert(pid);
    }
  }
  return found;
}

struct Footprint {
  std::size_t processes = 0;
  std::size_t descriptors = 0;  ///< Of this process.
  std::size_t mounts = 0;
  std::size_t cgroups = 0;
  std::uint64_t children_kib = 0;  ///< Resident memory of the fork server and the proxy server.
};

Footprint measure(const sandbox::CgroupTree& tree) {
  Footprint now;
  const auto pids = family();
  now.processes = pids.size();
  for (const std::string& pid : pids) {
    if (pid != std::to_string(::getpid())) now.children_kib += status_field(pid, "VmRSS");
  }
  now.descriptors = entries("/proc/self/fd");
  const std::string mounts = sandbox::read_or_empty("/proc/self/mountinfo");
  now.mounts = static_cast<std::size_t>(std::ranges::count(mounts, '\n'));
  for (const std::string& dir : tree.directories()) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(dir, error))
      now.cgroups += entry.is_directory() ? 1U : 0U;
  }
  return now;
}

// The fork server reaps the last sandbox a moment after we have seen its end.
Footprint measure_settled(const sandbox::CgroupTree& tree, std::size_t processes) {
  constexpr int kAttempts = 1000;
  constexpr int kPauseMs = 10;  // there is nothing to poll for: it is another process's child
  Footprint now = measure(tree);
  for (int i = 0; i < kAttempts && now.processes > processes; ++i) {
    (void)::poll(nullptr, 0, kPauseMs);
    now = measure(tree);
  }
  return now;
}

class GrowthTest : public SandboxTest {};

TEST_F(GrowthTest, ManySandboxesLeaveNothing) {
  // What is made once and kept is there after a few.
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(run("true").ok());
  const int count = how_many(host_ids_kind());
  const Footprint before = measure(cgroups());
  for (int i = 0; i < count; ++i) {
    const auto result = run("(true &); true");
    ASSERT_TRUE(result.ok()) << "sandbox " << i << ": " << result.error().message;
    ASSERT_TRUE(result->report.succeeded()) << "sandbox " << i << result->report.describe();
  }
  const Footprint after = measure_settled(cgroups(), before.processes);
  EXPECT_EQ(after.processes, before.processes);
  EXPECT_EQ(after.descriptors, before.descriptors);
  EXPECT_EQ(after.mounts, before.mounts);
  EXPECT_EQ(after.cgroups, before.cgroups);
  // However many there were.
  EXPECT_LE(after.children_kib, before.children_kib + 512);
}

}  // namespace
}  // namespace stagebox::testing
