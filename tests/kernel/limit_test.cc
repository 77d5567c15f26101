// Every limit against a stage that tries to exceed it.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <functional>
#include <map>

#include "runtime/base/files.h"
#include "sandbox/cgroup/cgroup_files.h"
#include "sandbox/cgroup/limit_defaults.h"
#include "sandbox/disk_reserve_watch.h"
#include "sandbox/mounts/detached_mount.h"
#include "tests/kernel/host_process.h"
#include "tests/kernel/sandbox_fixture.h"

namespace stagebox::testing {
namespace {

using sandbox::Controller;
using sandbox::Exited;
using sandbox::LimitHit;
using sandbox::OomKilled;
using std::chrono::milliseconds;
using ::testing::AnyOf;
using ::testing::HasSubstr;

#define RUN(script)                                             \
  __extension__({                                               \
    auto run_result = run(script);                              \
    ASSERT_TRUE(run_result.ok()) << run_result.error().message; \
    std::move(*run_result);                                     \
  })

#define NEED(controller)                                    \
  if (!cgroups().has(controller))                           \
  GTEST_SKIP() << "no writable cgroup with the controller " \
               << sandbox::controller_name(controller, sandbox::CgroupPlace::Version::kV2)

class LimitTest : public SandboxTest {
 protected:
  // Filled by one system call: piece by piece takes an emulated processor many seconds.
  static constexpr char kNeedsMuch[] = "dd if=/dev/zero of=/dev/null bs=400M count=1";

  static void expect_hit(const RunResult& result, LimitHit::Which which) {
    const auto* hit = std::get_if<LimitHit>(&result.report.cause);
    ASSERT_NE(hit, nullptr) << result.report.describe() << '\n' << result.output;
    EXPECT_STREQ(sandbox::limit_name(hit->which), sandbox::limit_name(which)) << result.output;
  }

  // What the first of these files that there is says of a running sandbox: for limits whose effect
  // would take a busy machine to be seen.
  std::string of_its_cgroup(const std::vector<std::string>& names) {
    auto held = hold("sleep 1000", Until::kRunning);
    return held.ok() ? read_in_cgroup(names) : held.error().message;
  }

  // Of the sandbox that runs.
  [[nodiscard]] std::string read_in_cgroup(const std::vector<std::string>& names) const {
    for (const std::string& name : names) {
      for (const std::string& dir : cgroups().directories()) {
        std::ifstream file(dir + "/" + cgroup_name() + "/" + name);
        if (std::string text; std::getline(file, text)) return text;
      }
    }
    return "no such file";
  }
};

TEST_F(LimitTest, MemoryIsEnforcedAndTold) {
  NEED(Controller::kMemory);
  spec_.limits.memory = 32ULL << 20;
  const auto result = RUN(std::string(kNeedsMuch) + "; exit 1");
  ASSERT_TRUE(std::holds_alternative<OomKilled>(result.report.cause)) << result.report.describe();
  EXPECT_EQ(std::get<OomKilled>(result.report.cause).limit, 32ULL << 20);
  EXPECT_GE(result.report.usage.peak_memory, 24ULL << 20);
}

TEST_F(LimitTest, SharedMemoryIsMemory) {
  NEED(Controller::kMemory);
  spec_.limits.memory = 32ULL << 20;
  const auto result = RUN("dd if=/dev/zero of=/dev/shm/x bs=1M count=60; exit 1");
  ASSERT_TRUE(std::holds_alternative<OomKilled>(result.report.cause)) << result.report.describe();
}

// In v1 the kernel kills one process and leaves the rest in an undefined state.
TEST_F(LimitTest, OutOfMemoryEndsTheWholeSandbox) {
  NEED(Controller::kMemory);
  spec_.limits.memory = 32ULL << 20;
  const auto result = RUN("(" + std::string(kNeedsMuch) + ") & sleep 100; echo survived; exit 0");
  ASSERT_TRUE(std::holds_alternative<OomKilled>(result.report.cause)) << result.report.describe();
  EXPECT_EQ(result.output.find("survived"), std::string::npos);
}

// Or the limit would be one of what is not swapped out. The whole sandbox dies of it in v2, where
// the kernel sees to that. A kernel without accounting for swap has no file for it.
TEST_F(LimitTest, SwapIsClosedAndTheGroupDiesAsOne) {
  NEED(Controller::kMemory);
  constexpr char kBytes[] = "33554432";
  spec_.limits.memory = 32ULL << 20U;
  const sandbox::CgroupPlace& place = *cgroups().place_of(Controller::kMemory);
  const std::map<std::string, std::string> expected =
      place.version == sandbox::CgroupPlace::Version::kV2
          ? std::map<std::string, std::string>{{"memory.max", kBytes},
                                               {"memory.swap.max", "0"},
                                               {"memory.oom.group", "1"}}
          : std::map<std::string, std::string>{{"memory.limit_in_bytes", kBytes},
                                               {"memory.memsw.limit_in_bytes", kBytes},
                                               {"memory.swappiness", "0"}};
  const auto held = hold("exec sleep 1000", Until::kRunning);
  ASSERT_TRUE(held.ok()) << held.error().message;
  std::size_t found = 0;
  for (const std::string& dir : cgroups().directories()) {
    for (const auto& [name, value] : expected) {
      std::ifstream file(dir + "/" + cgroup_name() + "/" + name);
      std::string text;
      if (!std::getline(file, text)) continue;
      ++found;
      EXPECT_EQ(text, value) << name;
    }
  }
  EXPECT_GE(found, 1U);
}

// The cgroup above all sandboxes gets a limit of its own, which is reached below each one's.
class LimitAboveTest : public LimitTest {
 protected:
  static constexpr std::uint64_t kAbove = 96ULL << 20U;

  void TearDown() override {
    for (auto file = changed_.rbegin(); file != changed_.rend(); ++file)
      EXPECT_TRUE(sandbox::write_value(file->dir, file->name, file->before).ok()) << file->name;
    LimitTest::TearDown();
  }

  // Of the directory that our sandboxes are in; there is one when the first of them is.
  void set_above(Controller controller, const std::vector<std::string>& names,
                 const std::string& value) {
    const std::string& place = cgroups().place_of(controller)->dir;
    for (const std::string& dir : cgroups().directories()) {
      if (!dir.starts_with(place + "/")) continue;
      for (const std::string& name : names) {
        const std::string before = sandbox::read_or_empty(dir + "/" + name);
        if (sandbox::write_value(dir, name, value).ok()) changed_.push_back({dir, name, before});
      }
    }
    ASSERT_FALSE(changed_.empty());
  }

  void limit_memory_above() {
    // v1 and v2, and without swap.
    set_above(Controller::kMemory,
              {"memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.max"},
              std::to_string(kAbove));
  }

  static sandbox::ExitCause end_of(HeldSandbox& held, const sandbox::Limits& limits) {
    sandbox::Supervision supervision;
    supervision.timeout = std::chrono::seconds(30);
    supervision.limits = limits;
    auto report = sandbox::supervise(held.sandbox, std::move(supervision));
    EXPECT_TRUE(report.ok() && held.sandbox.destroy().ok() && held.scratch.destroy().ok());
    return report.ok() ? report->cause : sandbox::ExitCause(sandbox::Signaled{});
  }

 private:
  struct Changed {
    std::string dir;
    std::string name;
    std::string before;
  };
  std::vector<Changed> changed_;
};

TEST_F(LimitAboveTest, OnesMemoryIsNotTheOthersFault) {
  NEED(Controller::kMemory);
  spec_.limits.memory = 1ULL << 30U;
  scratch_name_ = "idle";
  auto idle = HOLD("sleep 2; exit 3", Until::kRunning);
  limit_memory_above();
  scratch_name_ = "greedy";
  const auto greedy = RUN(std::string(kNeedsMuch) + "; exit 1");
  ASSERT_TRUE(std::holds_alternative<OomKilled>(greedy.report.cause)) << greedy.report.describe();
  EXPECT_EQ(std::get<OomKilled>(greedy.report.cause).limit, 0U) << "it was not its own limit";
  const auto cause = end_of(idle, limits());
  ASSERT_TRUE(std::holds_alternative<Exited>(cause)) << cause.index();
  EXPECT_EQ(std::get<Exited>(cause).status, 3);
}

// Also when nobody waits for the process that was killed.
TEST_F(LimitAboveTest, HalfASandboxDiesOfWhatIsTrue) {
  NEED(Controller::kMemory);
  spec_.limits.memory = 1ULL << 30U;
  scratch_name_ = "first";
  auto first = HOLD("true", Until::kRunning);
  limit_memory_above();
  scratch_name_ = "half";
  const auto half = RUN("(" + std::string(kNeedsMuch) + ") & sleep 100; echo survived");
  ASSERT_TRUE(std::holds_alternative<OomKilled>(half.report.cause)) << half.report.describe();
  EXPECT_EQ(std::get<OomKilled>(half.report.cause).limit, 0U);
  EXPECT_EQ(half.output.find("survived"), std::string::npos);
  (void)end_of(first, limits());
}

// What happened above before, or to others, is no excuse.
TEST_F(LimitAboveTest, OnesOwnLimitIsStillOnesOwn) {
  NEED(Controller::kMemory);
  spec_.limits.memory = 48ULL << 20U;
  scratch_name_ = "own";
  auto own = HOLD("sleep 2; (" + std::string(kNeedsMuch) + ") & sleep 100", Until::kRunning);
  limit_memory_above();
  spec_.limits.memory = 1ULL << 30U;
  scratch_name_ = "greedy";
  const auto greedy = RUN(std::string(kNeedsMuch) + "; exit 1");
  EXPECT_TRUE(std::holds_alternative<OomKilled>(greedy.report.cause)) << greedy.report.describe();
  spec_.limits.memory = 48ULL << 20U;
  const auto cause = end_of(own, limits());
  ASSERT_TRUE(std::holds_alternative<OomKilled>(cause)) << cause.index();
  EXPECT_EQ(std::get<OomKilled>(cause).limit, 48ULL << 20U);
}

// v1 says no by itself; v2 takes it and gives what the cgroup above has.
TEST_F(LimitAboveTest, AProcessorThatTheCgroupAboveHasNotIsRefused) {
  NEED(Controller::kCpuset);
  if (::sysconf(_SC_NPROCESSORS_ONLN) < 2) GTEST_SKIP() << "there is one processor only";
  spec_.limits.cpuset = "0";
  scratch_name_ = "first";
  auto first = HOLD("true", Until::kRunning);
  set_above(Controller::kCpuset, {"cpuset.cpus"}, "0");
  scratch_name_ = "second";
  EXPECT_TRUE(RUN("true").report.succeeded());
  spec_.limits.cpuset = "1";
  const auto result = run("grep Cpus_allowed_list /proc/self/status");
  ASSERT_FALSE(result.ok()) << result->output;
  EXPECT_EQ(result.error().kind, base::ErrorKind::kUnsupported);
  EXPECT_THAT(result.error().message, HasSubstr("cpuset.cpus"));
  (void)end_of(first, limits());
}

// Scratch directories on one small disk.
class DiskReserveTest : public LimitTest {
 protected:
  void SetUp() override {
    LimitTest::SetUp();
    auto disk = sandbox::make_tmpfs(64 * kMiB, 3200);
    ASSERT_TRUE(disk.ok()) << disk.error().message;
    disk_ = std::move(*disk);
  }

  struct Watched {
    base::UniqueFd dir;
    sandbox::Watch watch;
  };

  base::Result<Watched> watched(const std::string& name) const {
    TRY(base::make_dir_at(disk_.get(), name, 0700));
    base::UniqueFd dir =
        TRY(base::open_beneath(disk_.get(), name, O_RDONLY | O_DIRECTORY, base::Links::kRefuse));
    sandbox::Watch watch = TRY(sandbox::watch_disk_reserve(dir.get()));
    return Watched{std::move(dir), std::move(watch)};
  }

  static base::UniqueFd fill(int dir, const char* name, std::uint64_t bytes) {
    base::UniqueFd file(::openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    EXPECT_EQ(::posix_fallocate(file.get(), 0, static_cast<off_t>(bytes)), 0);
    return file;
  }

  // What the watch says at last, of at most `looks` times.
  static std::string verdict(const Watched& watched, int looks) {
    for (int i = 0; i < looks; ++i) {
      if (const auto hit = watched.watch.look().hit) return sandbox::limit_name(hit->which);
    }
    return "goes on";
  }

  static constexpr std::uint64_t kKiB = 1ULL << 10U;
  static constexpr std::uint64_t kMiB = 1ULL << 20U;
  base::UniqueFd disk_;
};

TEST_F(DiskReserveTest, WhoFillsTheDiskIsNamedAndNobodyElse) {
  const auto idle = watched("idle");
  const auto large = watched("large");
  const auto small = watched("small");
  ASSERT_TRUE(idle.ok() && large.ok() && small.ok());
  EXPECT_EQ(verdict(*large, 20), "goes on");
  base::UniqueFd little = fill(idle->dir.get(), "little", kMiB / 2);
  base::UniqueFd some = fill(small->dir.get(), "some", 14 * kMiB);
  base::UniqueFd most = fill(large->dir.get(), "most", 36 * kMiB);
  EXPECT_EQ(verdict(*idle, 20), "goes on");
  EXPECT_EQ(verdict(*small, 1), "goes on") << "the largest goes first";
  EXPECT_EQ(verdict(*large, 1), "host_disk");
  EXPECT_EQ(verdict(*small, 4), "host_disk") << "when that was not enough";
  ASSERT_EQ(::unlinkat(large->dir.get(), "most", 0), 0);
  most.reset();
  EXPECT_EQ(verdict(*small, 20), "goes on");
}

TEST_F(DiskReserveTest, ManyFilesFillADiskAsWell) {
  const auto idle = watched("idle");
  const auto many = watched("many");
  ASSERT_TRUE(idle.ok() && many.ok());
  // It has the most bytes, of which there are enough.
  const base::UniqueFd large = fill(idle->dir.get(), "large", 30 * kMiB);
  for (int i = 0; i < 2500; ++i)
    const base::UniqueFd file = fill(many->dir.get(), std::to_string(i).c_str(), 1);
  EXPECT_EQ(verdict(*idle, 20), "goes on");
  EXPECT_EQ(verdict(*many, 1), "host_disk");
}

// When nearly nothing is free at the start, a quarter of that is less than any workspace holds.
TEST_F(DiskReserveTest, OnADiskThatIsFullAlreadyNobodyIsBlamedForAFewBytes) {
  const base::UniqueFd others = fill(disk_.get(), "others", 64 * kMiB - 96 * kKiB);
  const auto small = watched("small");
  ASSERT_TRUE(small.ok());
  const base::UniqueFd few = fill(small->dir.get(), "few", 16 * kKiB);
  const base::UniqueFd more = fill(disk_.get(), "more", 80 * kKiB);
  EXPECT_EQ(verdict(*small, 20), "host_disk_full");
}

// A file without a name is nobody's that we can see: the disk is given back all the same.
TEST_F(DiskReserveTest, AFullDiskThatIsNobodysEndsAllAndBlamesNone) {
  const auto hider = watched("hider");
  const auto idle = watched("idle");
  ASSERT_TRUE(hider.ok() && idle.ok());
  const base::UniqueFd hidden = fill(hider->dir.get(), "hidden", 50 * kMiB);
  ASSERT_EQ(::unlinkat(hider->dir.get(), "hidden", 0), 0);
  EXPECT_EQ(verdict(*idle, 20), "goes on") << "it is not full yet";
  const base::UniqueFd rest = fill(hider->dir.get(), "rest", 13 * kMiB);
  ASSERT_EQ(::unlinkat(hider->dir.get(), "rest", 0), 0);
  EXPECT_EQ(verdict(*idle, 20), "host_disk_full");
  EXPECT_EQ(verdict(*hider, 20), "host_disk_full");
}

TEST_F(LimitTest, SigkillOfOnesOwnIsNotCalledOutOfMemory) {
  NEED(Controller::kMemory);
  spec_.limits.memory = 64ULL << 20;
  const auto result = RUN("kill -9 $$");
  ASSERT_TRUE(std::holds_alternative<sandbox::Signaled>(result.report.cause))
      << result.report.describe();
}

TEST_F(LimitTest, PidsAreEnforcedAndTold) {
  NEED(Controller::kPids);
  spec_.limits.pids = 16;
  const auto result = RUN("i=0; while [ $i -lt 64 ]; do sleep 20 & i=$((i+1)); done; wait");
  expect_hit(result, LimitHit::Which::kPids);
}

// It killed nobody: how the command ended is its own matter.
TEST_F(LimitTest, ALimitThatRefusedSomethingLeavesTheStatus) {
  spec_.limits.disk = 8ULL << 20;
  const std::string fill = "dd if=/dev/zero of=big bs=1M count=32";
  const auto exited = RUN(fill + " || exit 23");
  expect_hit(exited, LimitHit::Which::kDisk);
  EXPECT_EQ(exited.report.shell_status(), 23);
  const auto signaled = RUN(fill + "; kill -SEGV $$");
  expect_hit(signaled, LimitHit::Which::kDisk);
  EXPECT_EQ(signaled.report.shell_status(), 139);
  if (!cgroups().has(Controller::kPids)) return;
  spec_.limits = {};
  spec_.limits.pids = 16;
  const auto many =
      RUN("( i=0; while [ $i -lt 64 ]; do sleep 20 & i=$((i+1)); done; wait ); "
          "exit 24");
  expect_hit(many, LimitHit::Which::kPids);
  EXPECT_EQ(many.report.shell_status(), 24);
}

// What did not fit was deleted again, as compilers do.
TEST_F(LimitTest, ADiskThatWasFullBeforeTheEndIsLikely) {
  using Which = sandbox::LikelyLimit::Which;
  spec_.limits.disk = 8ULL << 20;
  spec_.limits.inodes = 500;
  const std::string fill = "dd if=/dev/zero of=big bs=1M count=32";
  const auto expect_likely = [](const RunResult& result, Which which,
                                sandbox::LikelyLimit::ToldBy told_by) {
    const auto& likely = result.report.likely_limits;
    ASSERT_EQ(likely.size(), 1U) << result.report.describe();
    EXPECT_EQ(likely[0].which, which) << result.report.describe();
    EXPECT_EQ(likely[0].told_by, told_by) << result.report.describe();
    EXPECT_EQ(result.report.shell_status(), 23);
  };
  const auto seen = RUN(fill + " 2>/dev/null; sleep 0.5; rm big; exit 23");
  expect_likely(seen, Which::kDisk, sandbox::LikelyLimit::ToldBy::kKernel);
  EXPECT_GE(seen.report.usage.peak_disk.value_or(0), 7ULL << 20);
  EXPECT_LE(seen.report.usage.peak_disk.value_or(0), 8ULL << 20);
  const auto files =
      RUN("mkdir d; (i=0; while [ $i -lt 1000 ]; do : >d/f$i || exit; i=$((i+1)); "
          "done) 2>/dev/null; sleep 0.5; rm -r d; exit 23");
  expect_likely(files, Which::kInodes, sandbox::LikelyLimit::ToldBy::kKernel);
  EXPECT_EQ(files.report.usage.peak_inodes, 500U);
  // Between two looks, and refused as a whole: only the command tells.
  const auto told = RUN("fallocate -l 32M big; rm -f big; exit 23");
  expect_likely(told, Which::kDisk, sandbox::LikelyLimit::ToldBy::kLog);
  EXPECT_TRUE(RUN(fill + "; rm big; true").report.likely_limits.empty());
  EXPECT_TRUE(RUN("exit 23").report.likely_limits.empty());
  spec_.limits = {};
  const auto none = RUN("echo No space left on device; exit 23");
  EXPECT_TRUE(none.report.likely_limits.empty()) << "there is no such limit";
  EXPECT_FALSE(none.report.usage.peak_disk);
}

TEST_F(LimitTest, PidsHaveADefault) {
  NEED(Controller::kPids);
  EXPECT_EQ(of_its_cgroup({"pids.max"}), std::to_string(sandbox::kDefaultPids));
}

// Each of it forks until it may not.
constexpr char kForkBomb[] = "bomb() { while :; do bomb & done; }; bomb 2>/dev/null & ";

class ForkBombTest : public LimitTest {
 protected:
  static constexpr std::uint64_t kPids = 200;

  void SetUp() override {
    LimitTest::SetUp();
    NEED(Controller::kPids);
    spec_.limits.pids = kPids;
    on_start_ = [this](const sandbox::Sandbox& /*running*/) {
      limit_ = read_in_cgroup({"pids.max"});
      seen_ = tasks_when_refused();
      // While it has all that it may, others have what they want.
      for (int i = 0; i < 20; ++i) {
        const pid_t child = ::fork();
        if (child == 0) ::_exit(0);
        others_ += child > 0 && ::waitpid(child, nullptr, 0) == child ? 1 : 0;
      }
    };
  }

  // The limit was what stopped it, at its number; nobody else was harmed, and nothing is left.
  void expect_bounded() {
    EXPECT_GT(seen_.refused, 0U) << "the limit was not reached";
    EXPECT_EQ(limit_, std::to_string(kPids));
    EXPECT_LE(seen_.now, kPids);
    EXPECT_EQ(others_, 20);
    EXPECT_TRUE(becomes_true([] {
      return processes([](const std::string& pid) {
               return status_of(pid, "Name") == "sh" && descends_from_us(pid);
             })
          .empty();
    }));
    EXPECT_EQ(tasks().now, 0U);
  }

  std::string limit_;
  Tasks seen_;
  int others_ = 0;
};

TEST_F(ForkBombTest, EndsWithTheStageAndTheLimitIsNamed) {
  // Who may not fork ends with an error, this one too. It starts more of them, should they all have
  // come to their ends before it was its turn.
  const auto result = RUN(std::string(kForkBomb) + "while (:); do bomb 2>/dev/null & done");
  expect_hit(result, LimitHit::Which::kPids);
  EXPECT_EQ(result.report.shell_status(), 2) << result.report.describe();
  expect_bounded();
}

TEST_F(ForkBombTest, IsGoneAfterTheTimeout) {
  supervision_.timeout = milliseconds(400);
  supervision_.grace = milliseconds(0);
  const auto result = RUN(std::string(kForkBomb) + "while :; do :; done");
  EXPECT_TRUE(std::holds_alternative<sandbox::TimedOut>(result.report.cause))
      << result.report.describe();
  expect_bounded();
}

TEST_F(LimitTest, CpuQuotaIsEnforced) {
  NEED(Controller::kCpu);
  // Less than what is left for it on a busy machine, or it would never be held back.
  spec_.limits.cpus = 0.05;
  supervision_.timeout = milliseconds(2000);
  supervision_.grace = milliseconds(0);
  const auto result = RUN("while :; do :; done");
  const auto used = result.report.usage.user_cpu + result.report.usage.system_cpu;
  // Without the limit both are about the same.
  EXPECT_LT(used, result.report.usage.wall / 2);
  EXPECT_GT(result.report.usage.cpu_throttled.count(), 0);
  spec_.limits.cpus.reset();
  EXPECT_EQ(RUN("true").report.usage.cpu_throttled.count(), 0);
}

TEST_F(LimitTest, CpuTimeIsEnforcedAndTold) {
  NEED(Controller::kCpuAccounting);
  spec_.limits.cpu_time = milliseconds(300);
  // Many short processes: no limit of a single one would see it.
  const auto result = RUN("while :; do ls >/dev/null; done");
  expect_hit(result, LimitHit::Which::kCpuTime);
  EXPECT_GE(result.report.usage.user_cpu + result.report.usage.system_cpu, milliseconds(250));
}

TEST_F(LimitTest, CpusetIsEnforced) {
  NEED(Controller::kCpuset);
  spec_.limits.cpuset = "0";
  const auto result = RUN("grep Cpus_allowed_list /proc/self/status");
  EXPECT_EQ(result.output, "Cpus_allowed_list:\t0\n");
}

TEST_F(LimitTest, AProcessorThatIsNotThereIsRefused) {
  NEED(Controller::kCpuset);
  spec_.limits.cpuset = "4000";
  const auto result = run("true");
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind, base::ErrorKind::kUnsupported);
  EXPECT_NE(result.error().message.find("cpuset.cpus"), std::string::npos);
}

TEST_F(LimitTest, CpuWeightIsSet) {
  NEED(Controller::kCpu);
  spec_.limits.cpu_weight = 50;
  // 1024 shares are a weight of 100 (cgroup-v2.rst, cpu.weight).
  EXPECT_THAT(of_its_cgroup({"cpu.weight", "cpu.shares"}), AnyOf("50", "512"));
}

TEST_F(LimitTest, MemoryNodesAreSet) {
  NEED(Controller::kCpuset);
  spec_.limits.cpuset_mems = "0";
  EXPECT_EQ(of_its_cgroup({"cpuset.mems"}), "0");
  spec_.limits.cpuset_mems = "1023";
  const auto result = run("true");
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().message, HasSubstr("cpuset.mems"));
}

// Memory under this size is taken from the sandbox last, so it stops nobody.
TEST_F(LimitTest, AMemoryReservationIsSet) {
  NEED(Controller::kMemory);
  spec_.limits.memory_reservation = 8ULL << 20U;
  EXPECT_EQ(of_its_cgroup({"memory.low", "memory.soft_limit_in_bytes"}), "8388608");
}

TEST_F(LimitTest, DiskBytesAreEnforcedAndTold) {
  spec_.limits.disk = 8ULL << 20;
  const auto result = RUN("dd if=/dev/zero of=big bs=1M count=32");
  expect_hit(result, LimitHit::Which::kDisk);
  EXPECT_NE(result.output.find("No space left"), std::string::npos) << result.output;
}

TEST_F(LimitTest, EveryWritablePlaceCountsAsDisk) {
  ASSERT_EQ(::mkdirat(dir_.fd(), "input", 0755), 0);
  own_by_sandbox_root("input");
  input_dir_ = dir_.path("input");
  input_mode_ = sandbox::InputMount::Mode::kOverlay;
  spec_.limits.disk = 8ULL << 20;
  spec_.limits.inodes = 500;
  for (const char* place : {"/tmp", "/workspace", "/workspace/in", "/etc", ""}) {
    SCOPED_TRACE(place);
    expect_hit(RUN(std::string("dd if=/dev/zero of=") + place + "/big bs=1M count=32"),
               LimitHit::Which::kDisk);
    expect_hit(RUN(std::string("i=0; while [ $i -lt 1000 ]; do : >") + place +
                   "/f$i || exit 1; i=$((i+1)); done"),
               LimitHit::Which::kInodes);
  }
}

TEST_F(LimitTest, SharedMemoryIsBoundedInBytesAndFiles) {
  const auto bytes = RUN("dd if=/dev/zero of=/dev/shm/big bs=1M count=80");
  EXPECT_NE(bytes.output.find("No space left"), std::string::npos) << bytes.output;
  const auto files = RUN("df -i /dev/shm | tail -n 1 | tr -s ' ' | cut -d' ' -f2");
  EXPECT_EQ(files.output, "16384\n");
}

TEST_F(LimitTest, SharedMemoryCanBeMadeSmallerAndLarger) {
  spec_.limits.shm_size = 2ULL << 20;
  const auto small =
      RUN("dd if=/dev/zero of=/dev/shm/big bs=1M count=3; ls -s /dev/shm; "
          "df -i /dev/shm | tail -n 1 | tr -s ' ' | cut -d' ' -f2");
  EXPECT_NE(small.output.find("No space left"), std::string::npos) << small.output;
  EXPECT_NE(small.output.find("2048 big"), std::string::npos) << small.output;
  EXPECT_NE(small.output.find("\n512\n"), std::string::npos) << small.output;
  spec_.limits.shm_size = 80ULL << 20;
  const auto large = RUN("dd if=/dev/zero of=/dev/shm/big bs=1M count=80 && mkdir /dev/shm/d");
  EXPECT_TRUE(large.report.succeeded()) << large.output;
}

// What is told of a file system in memory: "which path limit" of each that is full.
class FullTmpfsTest : public LimitTest {
 protected:
  using Told = std::vector<std::string>;

  Told told_of(const std::string& script) {
    const auto result = run(script);
    if (!result.ok()) return {result.error().message};
    output_ = result->output;
    cause_ = result->report.cause;
    Told told;
    for (const sandbox::LikelyLimit& likely : result->report.likely_limits) {
      const bool bytes = likely.which == sandbox::LikelyLimit::Which::kTmpfs;
      told.push_back((bytes ? "bytes " : "inodes ") + likely.path + " " +
                     std::to_string(likely.limit));
    }
    return told;
  }

  // As root who may mount there: `act` returns 0, or an errno.
  static int act_inside(const sandbox::Sandbox& running, const std::function<int()>& act) {
    const pid_t child = ::fork();
    if (child == 0) {
      const bool is_root = ::setns(running.pidfd(), CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
                           ::setresgid(0, 0, 0) == 0 && ::setresuid(0, 0, 0) == 0;
      ::_exit(is_root ? act() : errno);
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  std::string output_;
  sandbox::ExitCause cause_;
};

constexpr char kFillSharedMemory[] = "dd if=/dev/zero of=/dev/shm/big bs=1M count=80";
constexpr char kSharedMemory[] = "bytes /dev/shm 67108864";

TEST_F(FullTmpfsTest, IsNamedAndTheCauseStays) {
  EXPECT_EQ(told_of(std::string(kFillSharedMemory) + " || exit 7"), Told{kSharedMemory}) << output_;
  ASSERT_TRUE(std::holds_alternative<Exited>(cause_));
  EXPECT_EQ(std::get<Exited>(cause_).status, 7);
  EXPECT_EQ(told_of(std::string(kFillSharedMemory) + "; kill -SEGV $$"), Told{kSharedMemory});
  EXPECT_TRUE(std::holds_alternative<sandbox::Signaled>(cause_));
}

TEST_F(FullTmpfsTest, InBytesAndInFilesAndEachOfSeveral) {
  spec_.tmpfs = {{"few", 1 << 20, 8}, {"workspace/small", 16384, 100}};
  EXPECT_EQ(told_of("i=0; while [ $i -lt 9 ]; do : > /few/$i || exit 1; i=$((i+1)); done"),
            Told{"inodes /few 8"})
      << output_;
  EXPECT_EQ(told_of("dd if=/dev/zero of=small/x bs=32k count=1"),
            Told{"bytes /workspace/small 16384"})
      << output_;
  // Of the kernel's devices: what is no device takes room there.
  EXPECT_EQ(told_of("dd if=/dev/zero of=/dev/sdx bs=1k count=100"), Told{"bytes /dev 65536"})
      << output_;
  EXPECT_EQ(told_of("dd if=/dev/zero of=small/x bs=32k count=1; " + std::string(kFillSharedMemory)),
            (Told{kSharedMemory, "bytes /workspace/small 16384"}))
      << output_;
}

// Not a page less than all of them, and not a file: its own root directory is one.
TEST_F(FullTmpfsTest, UpToTheLastPageAndFile) {
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  spec_.tmpfs = {{"small", 4 * page, 100}, {"few", 1 << 20, 8}};
  const std::string write = "dd if=/dev/zero of=/small/x bs=" + std::to_string(page) + " count=";
  EXPECT_EQ(told_of(write + "3; exit 1"), Told{}) << output_;
  EXPECT_EQ(told_of(write + "4 && exit 1"), Told{"bytes /small " + std::to_string(4 * page)});
  EXPECT_EQ(told_of("touch /few/1 /few/2 /few/3 /few/4 /few/5 /few/6; exit 1"), Told{}) << output_;
  EXPECT_EQ(told_of("touch /few/1 /few/2 /few/3 /few/4 /few/5 /few/6 /few/7 && exit 1"),
            Told{"inodes /few 8"})
      << output_;
}

TEST_F(FullTmpfsTest, IsNoLimitOfWhatDidNotFailByItself) {
  EXPECT_EQ(told_of(std::string(kFillSharedMemory) + "; true"), Told{}) << output_;
  EXPECT_TRUE(std::holds_alternative<Exited>(cause_));
  supervision_.timeout = std::chrono::seconds(1);
  EXPECT_EQ(told_of(std::string(kFillSharedMemory) + "; sleep 100"), Told{}) << output_;
  EXPECT_TRUE(std::holds_alternative<sandbox::TimedOut>(cause_));
}

// Another limit that the kernel says was reached is the cause; that this was full stays true.
TEST_F(FullTmpfsTest, IsToldBesideAnotherLimit) {
  spec_.limits.disk = 8ULL << 20;
  EXPECT_EQ(told_of(std::string(kFillSharedMemory) + "; dd if=/dev/zero of=big bs=1M count=32"),
            Told{"bytes /dev/shm 67108864"});
  EXPECT_TRUE(std::holds_alternative<LimitHit>(cause_));
}

// Only what is there at the end can be seen.
TEST_F(FullTmpfsTest, WhatWasDeletedIsNotSeen) {
  EXPECT_EQ(told_of(std::string(kFillSharedMemory) + "; rm /dev/shm/big; exit 1"), Told{});
  EXPECT_EQ(told_of("exec 9>/dev/shm/big; rm /dev/shm/big; dd if=/dev/zero bs=1M count=80 >&9; "
                    "exit 1"),
            Told{})
      << "a file without a name is gone with the last process";
}

// A stage may mount nothing. What it tries, whom it kills and what goes on beside it changes
// nothing.
TEST_F(FullTmpfsTest, NoStageHidesIt) {
  spec_.tmpfs = {{"workspace/a/b", 16384, 100}};
  EXPECT_EQ(told_of("sleep 1000 & (sleep 1000 &); unshare -U -r -m sh -c 'mount -t tmpfs x "
                    "/dev/shm'; umount -l /dev/shm; mount -t tmpfs x /dev/shm; rm -r /dev/shm; "
                    "mv /dev/shm /dev/gone; kill -9 -1; sleep 1000 & " +
                    std::string(kFillSharedMemory) + "; exit 1"),
            Told{kSharedMemory})
      << output_;
  // What it lies in can have another name, and something else the old one.
  EXPECT_EQ(told_of("mv a c && mkdir -p a/b && dd if=/dev/zero of=c/b/x bs=32k count=1"),
            Told{"bytes /workspace/a/b 16384"})
      << output_;
  EXPECT_EQ(told_of("mv a c && mkdir -p a/b && dd if=/dev/zero of=a/b/x bs=32k count=1; exit 1"),
            Told{})
      << output_;
}

// Nor could one that may.
TEST_F(FullTmpfsTest, StaysTheOneThatTheSandboxWasGiven) {
  const std::string script = "until [ -e /workspace/go ]; do :; done; " +
                             std::string(kFillSharedMemory) + "; df /dev/shm; exit 1";
  const auto go = [] { return ::close(::open("/workspace/go", O_CREAT | O_WRONLY, 0644)); };
  on_start_ = [&](const sandbox::Sandbox& running) {
    EXPECT_EQ(act_inside(running,
                         [&] {
                           if (::mount("mine", "/dev/shm", "tmpfs", 0, "size=1m") != 0)
                             return errno;
                           return go();
                         }),
              0);
  };
  EXPECT_EQ(told_of(script), Told{}) << "what it filled is not the sandbox's: " << output_;
  on_start_ = [&](const sandbox::Sandbox& running) {
    EXPECT_EQ(act_inside(running,
                         [&] {
                           const int kept = ::open("/dev/shm", O_PATH | O_DIRECTORY);
                           const int big = ::openat(kept, "big", O_CREAT | O_WRONLY, 0644);
                           constexpr off_t kBytes = 64 << 20;
                           if (::posix_fallocate(big, 0, kBytes) != 0) return ENOSPC;
                           if (::umount2("/dev/shm", MNT_DETACH) != 0) return errno;
                           return go();
                         }),
              0);
  };
  EXPECT_EQ(told_of("until [ -e /workspace/go ]; do :; done; mountpoint /dev/shm"),
            Told{kSharedMemory})
      << output_;
}

TEST_F(LimitTest, UnlinkedFilesStillCount) {
  spec_.limits.disk = 8ULL << 20;
  const auto result =
      RUN("exec 9>gone; rm gone; dd if=/dev/zero bs=1M count=32 >&9; echo status $?; exec 8>other; "
          "echo "
          "x >&8 || exit 1");
  EXPECT_NE(result.output.find("No space left"), std::string::npos) << result.output;
  EXPECT_NE(result.output.find("status 1"), std::string::npos) << result.output;
}

TEST_F(LimitTest, SparseFilesCountWhatTheyHold) {
  spec_.limits.disk = 8ULL << 20;
  const auto result = RUN("dd if=/dev/zero of=sparse bs=1 count=1 seek=1000000000 && echo fits");
  EXPECT_TRUE(result.report.succeeded()) << result.report.describe() << result.output;
}

TEST_F(LimitTest, InodesAreEnforcedAndTold) {
  spec_.limits.disk = 64ULL << 20;
  spec_.limits.inodes = 500;
  const auto result = RUN("i=0; while [ $i -lt 1000 ]; do : >f$i || exit 1; i=$((i+1)); done");
  expect_hit(result, LimitHit::Which::kInodes);
}

TEST_F(LimitTest, OpenFilesAreEnforced) {
  spec_.limits.open_files = 64;
  ASSERT_TRUE(sandbox::add_open_files(spec_.limits, spec_.rlimits).ok());
  EXPECT_EQ(RUN("ulimit -n").output, "64\n");
  const auto result = RUN(
      "i=3; while [ $i -lt 80 ]; do eval \"exec $i</dev/null\" || exit 9; i=$((i+1)); done; ulimit "
      "-n 128");
  EXPECT_FALSE(result.report.succeeded()) << result.output;
  EXPECT_THAT(result.output, HasSubstr("Too many open files"));
}

TEST_F(LimitTest, MoreOpenFilesThanWeMayGiveAreRefused) {
  struct rlimit own{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &own), 0);
  if (own.rlim_max == RLIM_INFINITY) GTEST_SKIP() << "this process has no limit on open files";
  sandbox::Limits limits;
  limits.open_files = own.rlim_max + 1;
  std::vector<sandbox::Rlimit> rlimits;
  const auto refused = sandbox::add_open_files(limits, rlimits);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("LimitNOFILE"), std::string::npos);
}

TEST_F(LimitTest, ReadingFromDiskIsThrottled) {
  NEED(Controller::kIo);
  ASSERT_TRUE(RUN("dd if=/dev/zero of=/dev/null bs=1 count=1").report.succeeded());
  spec_.limits.io_read = 1ULL << 20;
  const auto made =
      run("dd if=/dev/zero of=data bs=1M count=2 conv=fsync && dd if=data of=/dev/null "
          "bs=64k iflag=direct");
  if (!made.ok()) {
    // Said, and not started: the directory of the test is on no disk.
    EXPECT_EQ(made.error().kind, base::ErrorKind::kUnsupported) << made.error().message;
    GTEST_SKIP() << made.error().message;
  }
  EXPECT_TRUE(made->report.succeeded()) << made->output;
  // 2 MiB at 1 MiB/s; the kernel grants a burst at the start.
  EXPECT_GE(made->report.usage.wall, milliseconds(1000)) << made->output;
}

TEST_F(LimitTest, WritingToDiskIsThrottledOrRefused) {
  NEED(Controller::kIo);
  spec_.limits.io_write = 1ULL << 20;
  const auto result = run("dd if=/dev/zero of=data bs=1M count=2 conv=fsync");
  if (cgroups().place_of(Controller::kIo)->version == sandbox::CgroupPlace::Version::kV1) {
    ASSERT_FALSE(result.ok());
    EXPECT_NE(result.error().message.find("io_write"), std::string::npos);
    return;
  }
  if (!result.ok()) GTEST_SKIP() << result.error().message;
  EXPECT_TRUE(result->report.succeeded()) << result->output;
  EXPECT_GE(result->report.usage.wall, milliseconds(1000)) << result->output;
  EXPECT_GE(result->report.usage.written_bytes, 2ULL << 20);
}

TEST_F(LimitTest, UsageIsCounted) {
  NEED(Controller::kCpuAccounting);
  const auto result = RUN("(true &) ; i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done");
  EXPECT_GT(result.report.usage.user_cpu.count(), 0);
  EXPECT_GT(result.report.usage.peak_memory, 0U);
  EXPECT_GE(result.report.usage.processes, 2U);
  const auto* place = cgroups().place_of(Controller::kCpuAccounting);
  const bool has_pressure = ::access("/proc/pressure/cpu", R_OK) == 0 &&
                            place->version == sandbox::CgroupPlace::Version::kV2;
  EXPECT_EQ(result.report.usage.pressure.has_value(), has_pressure);
}

}  // namespace
}  // namespace stagebox::testing
