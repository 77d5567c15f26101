#include "sandbox/plan/spec_checks.h"

#include <gtest/gtest.h>

#include <limits>

namespace stagebox::sandbox {
namespace {

TEST(CheckLimits, NothingIsNoLimitInDisguise) {
  using Amount = std::optional<std::uint64_t> Limits::*;
  for (const Amount amount :
       {&Limits::cpu_weight, &Limits::memory, &Limits::shm_size, &Limits::pids, &Limits::disk,
        &Limits::inodes, &Limits::io_read, &Limits::io_write, &Limits::open_files}) {
    Limits limits;
    limits.*amount = 0;
    EXPECT_FALSE(check_limits(limits).ok());
    limits.*amount = 1;
    EXPECT_TRUE(check_limits(limits).ok());
  }
  for (const double cpus : {0.0, -1.0, std::numeric_limits<double>::infinity(),
                            std::numeric_limits<double>::quiet_NaN(), 1e300}) {
    Limits limits;
    limits.cpus = cpus;
    EXPECT_FALSE(check_limits(limits).ok()) << cpus;
  }
  Limits limits;
  limits.cpuset = "";
  EXPECT_FALSE(check_limits(limits).ok());
  EXPECT_TRUE(check_limits({}).ok());
}

}  // namespace
}  // namespace stagebox::sandbox
