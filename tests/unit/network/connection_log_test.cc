#include "sandbox/network/connection_log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "runtime/base/files.h"

namespace stagebox::sandbox::network {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

ConnectionEvent connected_to(const std::string& host) {
  ConnectionEvent event;
  event.protocol = Protocol::kConnect;
  event.target = Target::make(host, 443);
  event.address = base::IpAddress::parse("8.8.8.8");
  event.bytes = {10, 20};
  return event;
}

class ConnectionLogTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(file_); }
  [[nodiscard]] std::string text() const {
    (void)::lseek(file_.get(), 0, SEEK_SET);
    return base::read_all(file_.get(), std::size_t{16} << 20U).value();
  }

  base::UniqueFd file_{::memfd_create("connections", MFD_CLOEXEC)};
};

TEST(Verdict, IsReadAsItIsWritten) {
  for (const Verdict verdict :
       {Verdict::kAllowed, Verdict::kRefused, Verdict::kFailed, Verdict::kMalformed})
    EXPECT_EQ(verdict_of(name_of(verdict)), verdict);
  EXPECT_EQ(verdict_of("allowed "), std::nullopt);
  EXPECT_EQ(verdict_of(""), std::nullopt);
}

TEST_F(ConnectionLogTest, ALineForEach) {
  ConnectionLog log(file_.get());
  log.add(connected_to("a.example"));
  ConnectionEvent refused = connected_to("b.example");
  refused.verdict = Verdict::kRefused;
  refused.address.reset();
  refused.reason = "not in the allow-list";
  refused.bytes = {};
  log.add(refused);
  log.finish();
  EXPECT_THAT(text(), HasSubstr(R"("verdict":"allowed","protocol":"connect","host":"a.example",)"
                                R"("port":443,"address":"8.8.8.8","sent":10,"received":20)"));
  EXPECT_THAT(text(), HasSubstr(R"("verdict":"refused","protocol":"connect","host":"b.example",)"
                                R"("port":443,"reason":"not in the allow-list","sent":0)"));
  EXPECT_THAT(text(), Not(HasSubstr("omitted")));
}

TEST_F(ConnectionLogTest, NonsenseDoesNotHideConnections) {
  ConnectionLog log(file_.get());
  ConnectionEvent nonsense;
  nonsense.verdict = Verdict::kMalformed;
  for (std::uint64_t i = 0; i < ConnectionLog::kMostOfAKind + 7; ++i) log.add(nonsense);
  const std::size_t full = text().size();
  log.add(nonsense);
  EXPECT_EQ(text().size(), full) << "it is bounded";
  log.add(connected_to("a.example"));
  EXPECT_EQ(log.finish(), 0U);
  EXPECT_THAT(text(), HasSubstr("a.example"));
  EXPECT_THAT(text(), HasSubstr(R"("count":8)"));
  EXPECT_THAT(text(), Not(HasSubstr("omitted")));
}

// What has no line of its own is told with host, port, bytes and verdict all the same.
TEST_F(ConnectionLogTest, BeyondItsLinesEachEndHasOne) {
  ConnectionLog log(file_.get());
  for (std::uint64_t i = 0; i < ConnectionLog::kMostOfAKind; ++i)
    log.add(connected_to("a.example"));
  const std::size_t full = text().size();
  for (int i = 0; i < 3; ++i) log.add(connected_to("b.example"));
  ConnectionEvent elsewhere = connected_to("b.example");
  elsewhere.address = base::IpAddress::parse("9.9.9.9");
  log.add(elsewhere);
  log.add(connected_to("c.example"));
  EXPECT_EQ(log.finish(), 0U);
  const std::string rest = text().substr(full);
  EXPECT_EQ(std::count(rest.begin(), rest.end(), '\n'), 2) << rest;
  EXPECT_THAT(rest, HasSubstr(R"("host":"b.example","port":443,"sent":40,"received":80,)"));
  EXPECT_THAT(rest, HasSubstr(R"("count":4)"));
  EXPECT_THAT(rest, HasSubstr(R"("host":"c.example","port":443,"address":"8.8.8.8","sent":10,)"));
}

TEST_F(ConnectionLogTest, SoManyEndsAreOnlyCounted) {
  ConnectionLog log(file_.get());
  for (std::uint64_t i = 0; i < ConnectionLog::kMostOfAKind; ++i)
    log.add(connected_to("a.example"));
  for (std::size_t i = 0; i < ConnectionLog::kMostShared + 5; ++i)
    log.add(connected_to("h" + std::to_string(i) + ".example"));
  EXPECT_EQ(log.finish(), 0U);
  EXPECT_THAT(text(), HasSubstr(R"("omitted":5)"));
  EXPECT_LT(text().size(), std::size_t{2} << 20U);
}

TEST_F(ConnectionLogTest, WhatCannotBeWrittenIsTold) {
  const base::UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  ASSERT_TRUE(full);
  ConnectionLog log(full.get());
  for (std::uint64_t i = 0; i < ConnectionLog::kMostOfAKind + 7; ++i)
    log.add(connected_to("a.example"));
  EXPECT_EQ(log.finish(), ConnectionLog::kMostOfAKind + 7);
}

}  // namespace
}  // namespace stagebox::sandbox::network
