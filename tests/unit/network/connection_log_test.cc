#include "sandbox/network/connection_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

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
  log.finish();
  EXPECT_THAT(text(), HasSubstr("a.example"));
  EXPECT_THAT(text(), HasSubstr(R"("omitted":8)"));
}

}  // namespace
}  // namespace stagebox::sandbox::network
