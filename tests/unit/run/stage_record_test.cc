// Records of attempts that are asked for later than the next attempt begins.
#include "runtime/run/stage_record.h"

#include <gtest/gtest.h>

namespace stagebox::run {
namespace {

StageRecord record_of(const std::string& log) {
  StageRecord record;
  record.log_path = log;
  return record;
}

TEST(StageRecords, EachAttemptHasItsOwn) {
  StageRecords records;
  records.put_begun("a", {"a.log", {}});
  records.put("a", record_of("a.log"));
  records.put("a", std::nullopt);  // an attempt that did not get far
  records.put_begun("a", {"a.2.log", {}});
  records.put("a", record_of("a.2.log"));
  records.put("b", record_of("b.log"));
  EXPECT_EQ(records.take_begun("a").log_path, "a.log");
  EXPECT_EQ(records.take("a")->log_path, "a.log");
  EXPECT_FALSE(records.take("a"));
  EXPECT_EQ(records.take_begun("a").log_path, "a.2.log");
  EXPECT_EQ(records.take("a")->log_path, "a.2.log");
  EXPECT_FALSE(records.take("a")) << "nobody asks twice";
  EXPECT_EQ(records.take_begun("a").log_path, "");
  EXPECT_EQ(records.take("b")->log_path, "b.log");
  EXPECT_EQ(records.take_begun("none").log_path, "");
}

}  // namespace
}  // namespace stagebox::run
