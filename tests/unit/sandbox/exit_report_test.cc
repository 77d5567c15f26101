#include "sandbox/exit_report.h"

#include <gtest/gtest.h>

#include <csignal>

namespace stagebox::sandbox {
namespace {

ExitReport report(ExitCause cause) { return {std::move(cause), {}}; }

TEST(ExitReport, OnlyStatusZeroIsSuccess) {
  EXPECT_TRUE(report(Exited{0, ""}).succeeded());
  EXPECT_FALSE(report(Exited{1, ""}).succeeded());
  EXPECT_FALSE(report(Signaled{SIGTERM}).succeeded());
  EXPECT_FALSE(report(TimedOut{}).succeeded());
  EXPECT_FALSE(report(Cancelled{SIGTERM, 0}).succeeded());
}

TEST(ExitReport, TellsShellsWhatTheyExpect) {
  EXPECT_EQ(report(Exited{3, ""}).shell_status(), 3);
  EXPECT_EQ(report(Signaled{SIGSEGV}).shell_status(), 139);
  EXPECT_EQ(report(OomKilled{}).shell_status(), 137);
  EXPECT_EQ(report(Cancelled{}).shell_status(), 137);
  EXPECT_EQ(report(Cancelled{SIGINT, 130}).shell_status(), 130);
  EXPECT_EQ(report(Cancelled{SIGTERM, 0}).shell_status(), 0);
  EXPECT_EQ(report(TimedOut{}).shell_status(), 124);
}

TEST(ExitReport, NamesTheCause) {
  EXPECT_EQ(report(Exited{3, ""}).describe(), "exited with status 3");
  EXPECT_EQ(report(Signaled{SIGSEGV}).describe(), "killed by SIGSEGV");
  EXPECT_EQ(report(TimedOut{std::chrono::minutes(10)}).describe(),
            "killed: ran longer than its timeout of 10m00s");
  EXPECT_EQ(report(OomKilled{1ULL << 30}).describe(),
            "killed: needed more than its memory limit of 1.0 GiB (resources.memory)");
  EXPECT_EQ(report(Cancelled{SIGINT, 3}).describe(), "cancelled by SIGINT, with status 3");
  EXPECT_EQ(report(Cancelled{SIGTERM}).describe(), "cancelled by SIGTERM, and killed");
  EXPECT_EQ(report(LimitHit{LimitHit::Which::kPids, 64}).describe(),
            "reached its limit of 64 processes and threads (resources.pids)");
}

TEST(ExitReport, OutOfMemorySaysHowMuchOfItWereFiles) {
  ExitReport oom = report(OomKilled{64U << 20U});
  const std::string plain =
      "killed: needed more than its memory limit of 64 MiB (resources.memory)";
  oom.usage.peak_disk = 56U << 20U;
  EXPECT_EQ(oom.describe(), plain +
                                ", of which up to 56 MiB were files (with resources.disk they are "
                                "kept in memory)");
  oom.usage.peak_disk = 4096;
  EXPECT_EQ(oom.describe(), plain);
  oom.usage.peak_disk = std::nullopt;
  EXPECT_EQ(oom.describe(), plain);
  ExitReport of_others = report(OomKilled{0});
  of_others.usage.peak_disk = 56U << 20U;
  EXPECT_EQ(of_others.describe().find("files"), std::string::npos);
}

TEST(ExitReport, ALikelyCauseIsCalledLikely) {
  ExitReport failed = report(Exited{1, ""});
  failed.likely_limits = {{LikelyLimit::Which::kOpenFiles, 64, "", LikelyLimit::ToldBy::kLog}};
  EXPECT_EQ(failed.describe(),
            "exited with status 1; likely because of its limit of 64 open files "
            "(resources.open_files), going by the end of its log");
  failed.likely_limits = {{LikelyLimit::Which::kTmpfs, 64U << 20U, "/dev/shm"},
                          {LikelyLimit::Which::kTmpfsInodes, 16, "/x"}};
  EXPECT_EQ(failed.describe(),
            "exited with status 1; likely because /dev/shm was full, which takes 64 MiB "
            "(resources.shm_size), or because /x was full, which takes 16 files and directories");
  failed.likely_limits = {{LikelyLimit::Which::kDisk, 10U << 20U}};
  EXPECT_EQ(failed.describe(),
            "exited with status 1; likely because its disk limit of 10 MiB (resources.disk) was "
            "reached before it made room again");
  failed.likely_limits = {{LikelyLimit::Which::kInodes, 9, "", LikelyLimit::ToldBy::kLog}};
  EXPECT_EQ(failed.describe(),
            "exited with status 1; likely because its limit of 9 files and directories "
            "(resources.inodes) was reached before it made room again, going by the end of its "
            "log");
}

// What the kernel refused to a command that went on is told beside how that ended.
TEST(ExitReport, ALimitThatKilledNobodyLeavesTheStatus) {
  const ExitReport exited = report(LimitHit{LimitHit::Which::kDisk, 10U << 20U, 3 << 8});
  EXPECT_EQ(exited.shell_status(), 3);
  EXPECT_TRUE(exited.ended_by_itself());
  EXPECT_FALSE(exited.succeeded());
  EXPECT_EQ(exited.describe(),
            "filled its disk limit of 10 MiB (resources.disk), and ended with status 3");
  EXPECT_EQ(report(LimitHit{LimitHit::Which::kPids, 16, SIGABRT}).shell_status(), 134);
  const ExitReport killed = report(LimitHit{LimitHit::Which::kLog, 1024});
  EXPECT_EQ(killed.shell_status(), 137);
  EXPECT_FALSE(killed.ended_by_itself());
}

}  // namespace
}  // namespace stagebox::sandbox
