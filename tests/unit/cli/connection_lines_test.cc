#include "runtime/cli/connection_lines.h"

#include <gmock/gmock.h>

#include <algorithm>

namespace stagebox::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ConnectionLines, WhatWasNotMadeComesFirstAndWhatEndedAlikeShareALine) {
  EXPECT_EQ(connection_lines(
                R"({"verdict":"allowed","host":"a.org","port":443,"sent":100,"received":2048})"
                "\n"
                R"({"verdict":"failed","host":"b.org","port":80,"reason":"no such host"})"
                "\n"
                R"({"verdict":"allowed","host":"a.org","port":443,"sent":1,"received":0,"count":2})"
                "\n"
                R"({"verdict":"refused","host":"c.org","port":80,"reason":"not in the list"})"
                "\nnonsense\n",
                "  "),
            "  failed    b.org:80 (no such host)\n"
            "  refused   c.org:80 (not in the list)\n"
            "  malformed no request that a proxy understands\n"
            "  allowed   a.org:443, 3 connections, 101 B sent, 2.0 KiB received\n");
  EXPECT_EQ(connection_lines("", "  "), "");
}

TEST(ConnectionLines, AreNoMoreThanSomebodyReads) {
  std::string log = "{\"omitted\":5}\n";
  for (int i = 0; i < 30; ++i)
    log += R"({"verdict":"failed","host":"h)" + std::to_string(i) +
           R"(","port":1,"count":2})"
           "\n";
  const std::string lines = connection_lines(log, "");
  EXPECT_EQ(std::ranges::count(lines, '\n'), std::ptrdiff_t{kMostConnectionLines} + 1);
  EXPECT_THAT(lines, HasSubstr("\nand 25 more, see --json\n"));
}

TEST(ConnectionLines, NothingInThemDrivesATerminal) {
  const std::string lines = connection_lines(
      "{\"verdict\":\"failed\",\"host\":\"a\\u001b[31m\\nb\",\"port\":1,\"reason\":\"" +
          std::string(100'000, 'x') + "\"}\n{\"verdict\":\"\\u001b[1m\",\"host\":\"\\r\"}\n",
      "");
  EXPECT_THAT(lines, Not(HasSubstr("\x1b")));
  EXPECT_THAT(lines, Not(HasSubstr("\r")));
  EXPECT_EQ(std::ranges::count(lines, '\n'), 2);
  EXPECT_LT(lines.size(), 1000U);
}

}  // namespace
}  // namespace stagebox::cli
