#include "runtime/run/engine/connections.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/base/files.h"
#include "tests/support/temp_dir.h"

namespace stagebox::run {
namespace {

using ::testing::ElementsAre;

class ConnectionSummaryTest : public ::testing::Test {
 protected:
  ConnectionSummary summary(const std::string& text) {
    EXPECT_TRUE(base::replace_file_at(dir_.fd(), "log", text, 0600).ok());
    const auto file = base::open_path(dir_.path("log"), O_RDONLY);
    EXPECT_TRUE(file.ok());
    auto read = summarise_connections(file->get());
    EXPECT_TRUE(read.ok());
    return read.ok() ? *read : ConnectionSummary{};
  }
  stagebox::testing::TempDir dir_;
};

TEST_F(ConnectionSummaryTest, CountsAndNamesWhatWasRefused) {
  const std::string refused =
      R"({"time_ms":1,"verdict":"refused","host":"a.org","port":80,"reason":"not in the allow-list"})";
  const auto found = summary(
      R"({"time_ms":1,"verdict":"allowed","host":"b.org","port":443,"sent":10,"received":200})"
      "\n" +
      refused + "\n" + refused + "\n" +
      R"({"time_ms":1,"verdict":"failed","host":"c.org","port":1,"reason":"no such host"})"
      "\n");
  EXPECT_EQ(found.allowed, 1U);
  EXPECT_EQ(found.failed, 1U);
  EXPECT_EQ(found.sent, 10U);
  EXPECT_EQ(found.received, 200U);
  EXPECT_THAT(found.refused, ElementsAre("a.org:80 (not in the allow-list)"));
  EXPECT_EQ(describe_refusals(found),
            "refused by the network allow-list: a.org:80 (not in the allow-list)");
  EXPECT_THAT(found.unreached, ElementsAre("c.org:1 (no such host)"));
  EXPECT_EQ(describe_unreached(found), "could not be reached: c.org:1 (no such host)");
  EXPECT_EQ(describe_unreached(summary("")), "");
  EXPECT_TRUE(summary("").is_empty());
  EXPECT_EQ(describe_refusals(summary("")), "");
}

TEST_F(ConnectionSummaryTest, WhatWasOnlyCountedIsNoConnectionOfAnotherKind) {
  const auto found = summary("{\"time_ms\":1,\"omitted\":812}\n");
  EXPECT_EQ(found.omitted, 812U);
  EXPECT_EQ(found.malformed, 0U);
  EXPECT_FALSE(found.is_empty());
  const auto both = summary("{\"verdict\":\"allowed\",\"omitted\":1}\n{\"omitted\":-1}\n");
  EXPECT_EQ(both.allowed, 1U);
  EXPECT_EQ(both.omitted, 0U);
}

TEST_F(ConnectionSummaryTest, NamesNoMoreThanSomebodyReads) {
  std::string log;
  for (int i = 0; i < 100; ++i) {
    for (const char* verdict : {"refused", "failed"})
      log += std::string(R"({"verdict":")") + verdict + R"(","host":"h)" + std::to_string(i) +
             "\",\"port\":1}\n";
  }
  const auto found = summary(log);
  EXPECT_EQ(found.failed, 100U);
  EXPECT_EQ(found.refused.size(), ConnectionSummary::kMostNamed);
  EXPECT_EQ(found.unreached.size(), ConnectionSummary::kMostNamed);
}

TEST_F(ConnectionSummaryTest, TrustsNoLine) {
  const auto found = summary(
      "{\"verdict\":7,\"sent\":-1}\nnull\n[]\n{\"verdict\":\"refused\",\"host\":[],\"port\":\"x\"}"
      "\n"
      "\xff\xfe\n{\"verdict\":\"allowed\",\"sent\":\"1\"}\n{\"unfinished");
  EXPECT_EQ(found.malformed, 5U);
  EXPECT_EQ(found.allowed, 1U);
  EXPECT_EQ(found.sent, 0U);
  EXPECT_THAT(found.refused, ElementsAre(":0 ()"));
}

TEST_F(ConnectionSummaryTest, ALineCanTellOfSeveral) {
  const auto found = summary(
      "{\"verdict\":\"allowed\",\"host\":\"a\",\"sent\":7,\"count\":812}\n"
      "{\"verdict\":\"failed\",\"count\":\"x\"}\n");
  EXPECT_EQ(found.allowed, 812U);
  EXPECT_EQ(found.failed, 1U);
  EXPECT_EQ(found.sent, 7U);
}

TEST(Connections, EachIsToldWithWhatIsKnownOfItAndNothingElse) {
  std::vector<std::string> told;
  const std::string log =
      R"({"time_ms":5,"verdict":"allowed","protocol":"connect","host":"a.org","port":443,)"
      R"("address":"8.8.8.8","sent":1,"received":2,"duration_ms":3,"stage":"other","x":{}})"
      "\n{\"omitted\":4}\nnonsense\n"
      R"({"verdict":"allowed\u0000","host":7,"port":1})";
  EXPECT_EQ(for_each_connection(
                log, [&](const Connection& one) { told.push_back(connection_json(one)); }),
            4U);
  EXPECT_THAT(
      told,
      ElementsAre(R"({"address":"8.8.8.8","count":1,"duration_ms":3,"host":"a.org","port":443,)"
                  R"("protocol":"connect","received":2,"sent":1,"time_ms":5,"verdict":"allowed"})",
                  R"({"count":1,"duration_ms":0,"received":0,"sent":0,"time_ms":0,)"
                  R"("verdict":"malformed"})",
                  R"({"count":1,"duration_ms":0,"received":0,"sent":0,"time_ms":0,)"
                  R"("verdict":"malformed"})"));
}

TEST(Connections, WhatIsMissingIsTold) {
  ConnectionSummary summary;
  EXPECT_EQ(describe_losses(summary), "");
  summary.lost = 2;
  EXPECT_FALSE(summary.is_empty());
  EXPECT_EQ(describe_losses(summary),
            "2 connections are not on record: the log of connections could not be written");
  summary.cut_off = true;
  EXPECT_THAT(describe_losses(summary), ::testing::HasSubstr("the proxy was killed"));
}

TEST_F(ConnectionSummaryTest, TheLogBesideIsReadIfThereIsOne) {
  EXPECT_EQ(read_connections_beside(dir_.path("s.log")).value(), "");
  EXPECT_TRUE(base::replace_file_at(dir_.fd(), "s.network.jsonl", "text", 0600).ok());
  EXPECT_EQ(read_connections_beside(dir_.path("s.log")).value(), "text");
  ASSERT_TRUE(base::make_dir_at(dir_.fd(), "t.network.jsonl", 0700).ok());
  EXPECT_FALSE(read_connections_beside(dir_.path("t.log")).ok());
}

TEST(Connections, TheirLogLiesBesideThatOfTheAttempt) {
  EXPECT_EQ(connection_log_beside("/l/r/s.log"), "/l/r/s.network.jsonl");
  EXPECT_EQ(connection_log_beside("/l/r/s.2.log"), "/l/r/s.2.network.jsonl");
}

}  // namespace
}  // namespace stagebox::run
