// Records of attempts that are asked for later than the next attempt begins.
#include "runtime/run/stage_record.h"

#include <gtest/gtest.h>

#include "runtime/run/secrets/secret_patterns.h"

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

// The escapes of workflow commands are undone; what they hid is masked, and before it is cut.
TEST(ToldAnnotations, AreMasked) {
  const SecretAutomaton secrets(secret_patterns("ab:cd/efgh"));
  logs::Annotations found;
  const auto add = [&found](const std::string& line) {
    found.add({logs::RecordKind::kStdout, std::nullopt, line, true, true});
  };
  add("::error file=a/ab%3Acd/efgh,title=ab%3acd/efgh::the ab:cd/efgh");
  add("::error::" + std::string(StageAnnotations::kLongestText - 4, '.') + "ab:cd/efgh");
  const StageAnnotations told = told_annotations(found, &secrets);
  ASSERT_EQ(told.list.size(), 2U);
  EXPECT_EQ(told.list[0].file, "a/***");
  EXPECT_EQ(told.list[0].title, "***");
  EXPECT_EQ(told.list[0].message, "the ***");
  EXPECT_EQ(told.list[1].message, std::string(StageAnnotations::kLongestText - 4, '.') + "***");
  EXPECT_EQ(told_annotations(found, nullptr).list[0].title, "ab:cd/efgh");
}

// A colour may be cut by an escape; nothing that its removal puts together is shown.
TEST(ToldAnnotations, AreMaskedWithoutTheirColours) {
  const SecretAutomaton secrets(secret_patterns("hunter22hunter"));
  logs::Annotations found;
  for (const char* const colour : {"\x1b[1m", "\x1b[%25m", "\x1b%25\x1b[m", "\x1b[%0Am"}) {
    const std::string line = std::string("::error::hunter") + colour + "22hunter";
    found.add({logs::RecordKind::kStdout, std::nullopt, line, true, true});
  }
  const StageAnnotations told = told_annotations(found, &secrets);
  ASSERT_EQ(told.list.size(), 4U);
  EXPECT_EQ(told.list[0].message, "***");
  for (const logs::Annotation& one : told.list) {
    EXPECT_EQ(one.message.find("hunter22hunter"), std::string::npos) << one.message;
    EXPECT_EQ(one.message.find('\x1b'), std::string::npos) << one.message;
  }
}

}  // namespace
}  // namespace stagebox::run
