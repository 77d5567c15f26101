#include "runtime/run/network_access.h"

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
      R"({"time_ms":1,"verdict":"failed","host":"c.org","port":1})"
      "\n");
  EXPECT_EQ(found.allowed, 1U);
  EXPECT_EQ(found.failed, 1U);
  EXPECT_EQ(found.sent, 10U);
  EXPECT_EQ(found.received, 200U);
  EXPECT_THAT(found.refused, ElementsAre("a.org:80 (not in the allow-list)"));
  EXPECT_EQ(describe_refusals(found),
            "refused by the network allow-list: a.org:80 (not in the allow-list)");
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

TEST(ProxyVariables, LeaveWhatTheStageHasSaid) {
  std::map<std::string, std::string> environment{{"http_proxy", "mine"}};
  add_proxy_variables(environment);
  EXPECT_EQ(environment["http_proxy"], "mine");
  EXPECT_EQ(environment["https_proxy"], "http://127.0.0.1:3128");
  EXPECT_FALSE(environment.contains("all_proxy"));
}

}  // namespace
}  // namespace stagebox::run
