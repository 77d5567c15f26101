#include "runtime/run/stage/limits_json.h"

#include <gtest/gtest.h>

namespace stagebox::run {
namespace {

TEST(LimitsJson, SaysAllAndNothingElse) {
  sandbox::Limits limits;
  limits.cpus = 1.5;
  limits.cpu_weight = 1;
  limits.cpuset = "0-3,6";
  limits.cpuset_mems = "0";
  limits.memory = std::uint64_t{1} << 40U;
  limits.shm_size = 11;
  limits.memory_reservation = 2;
  limits.pids = 3;
  limits.disk = 4;
  limits.inodes = 5;
  limits.io_read = 6;
  limits.io_write = 7;
  limits.open_files = 8;
  limits.cpu_time = std::chrono::milliseconds(9);
  limits.log = 10;
  const auto read = parse_limits_json(limits_json(limits));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(limits_json(*read), limits_json(limits));
  EXPECT_EQ(read->cpus, limits.cpus);
  EXPECT_EQ(read->cpu_weight, limits.cpu_weight);
  EXPECT_EQ(read->cpuset, limits.cpuset);
  EXPECT_EQ(read->cpuset_mems, limits.cpuset_mems);
  EXPECT_EQ(read->memory, limits.memory);
  EXPECT_EQ(read->shm_size, limits.shm_size);
  EXPECT_EQ(read->memory_reservation, limits.memory_reservation);
  EXPECT_EQ(read->pids, limits.pids);
  EXPECT_EQ(read->disk, limits.disk);
  EXPECT_EQ(read->inodes, limits.inodes);
  EXPECT_EQ(read->io_read, limits.io_read);
  EXPECT_EQ(read->io_write, limits.io_write);
  EXPECT_EQ(read->open_files, limits.open_files);
  EXPECT_EQ(read->cpu_time, limits.cpu_time);
  EXPECT_EQ(read->log, limits.log);
  EXPECT_EQ(limits_json({}), "{}");
  EXPECT_FALSE(parse_limits_json("{}")->needs_cgroup());
}

TEST(LimitsJson, WhatCannotBeReadIsNoLimitLess) {
  for (const char* text : {"", "[]", "{", R"({"memory":"1GiB"})", R"({"unknown":1})"}) {
    const auto read = parse_limits_json(text);
    ASSERT_FALSE(read.ok()) << text;
    EXPECT_EQ(read.error().kind, base::ErrorKind::kCorrupt);
  }
}

}  // namespace
}  // namespace stagebox::run
