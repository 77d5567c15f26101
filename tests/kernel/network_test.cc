// The network allow-list against real sandboxes: a server on this machine's loopback plays the
// outside world.
#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <future>
#include <map>

#include "tests/kernel/host_process.h"
#include "tests/kernel/network_fixture.h"
#include "tests/kernel/suid_dumpable.h"

namespace stagebox::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(NetworkTest, WhatIsNamedIsReachedThroughTheProxy) {
  allow({"127.0.0.1:" + server_.port()});
  const auto result = run_well("wget -q -O - http://127.0.0.1:" + server_.port() + "/x");
  EXPECT_EQ(result.output, "hello\n");
  EXPECT_THAT(result.connections, HasSubstr(R"("verdict":"allowed","protocol":"http")"));
  EXPECT_THAT(result.connections, HasSubstr(R"("host":"127.0.0.1","port":)" + server_.port()));
}

TEST_F(NetworkTest, ConnectAndSocksReachItToo) {
  allow({"127.0.0.1:" + server_.port()});
  const auto connected =
      run_well("printf 'CONNECT 127.0.0.1:" + server_.port() +
               " HTTP/1.1\\r\\n\\r\\nGET / HTTP/1.0\\r\\n\\r\\n' | nc 127.0.0.1 3128");
  EXPECT_THAT(connected.output, HasSubstr("HTTP/1.1 200 Connection established"));
  EXPECT_THAT(connected.output, HasSubstr("hello\n"));
  EXPECT_THAT(connected.connections, HasSubstr(R"("protocol":"connect")"));
  const auto socks =
      run_well("port=" + server_.port() +
               R"(; hi=$(printf '%03o' $((port / 256))); lo=$(printf '%03o' $((port % 256)))
printf "\005\001\000\005\001\000\001\177\000\000\001\\$hi\\${lo}GET / HTTP/1.0\r\n\r\n" | nc 127.0.0.1 3128)");
  EXPECT_THAT(socks.output, HasSubstr("hello\n"));
  EXPECT_THAT(socks.connections, HasSubstr(R"("protocol":"socks5")"));
}

TEST_F(NetworkTest, WhatIsNotNamedIsRefusedAndRecorded) {
  allow({"127.0.0.1:1"});
  const auto result =
      run_well("wget -O - http://127.0.0.1:" + server_.port() + "/ 2>&1 && echo reached");
  EXPECT_THAT(result.output, HasSubstr("403"));
  EXPECT_THAT(result.output, Not(HasSubstr("reached")));
  EXPECT_THAT(result.connections, HasSubstr(R"("verdict":"refused")"));
}

TEST_F(NetworkTest, WhatTheLogDoesNotTakeIsTold) {
  allow({"127.0.0.1:" + server_.port()});
  const std::string fetch = "wget -q -O - http://127.0.0.1:" + server_.port() + "/";
  const auto whole = run_well(fetch);
  EXPECT_EQ(whole.lost, 0U);
  log_path_ = "/dev/full";
  const auto lost = run_well(fetch + " && " + fetch);
  EXPECT_EQ(lost.output, "hello\nhello\n") << "the stage goes on";
  EXPECT_EQ(lost.lost, 2U);
  // One that was killed cannot say.
  log_path_.clear();
  server_.on_request = [] {
    for (const std::string& pid : proxies_of_this_process())
      EXPECT_EQ(::kill(std::stoi(pid), SIGKILL), 0);
  };
  EXPECT_FALSE(run_well(fetch + " || true").lost);
}

TEST_F(NetworkTest, ThereIsNothingButTheProxy) {
  allow({"127.0.0.1:" + server_.port()});
  const auto result =
      run_well("nc -w 2 127.0.0.1 " + server_.port() +
               " </dev/null && echo reached; ip -o link | wc -l; cat /proc/net/route | wc -l");
  EXPECT_THAT(result.output, Not(HasSubstr("reached")));
  EXPECT_THAT(result.output, HasSubstr("1\n1\n"));  // loopback, and only the heading of the routes
}

TEST_F(NetworkTest, AListedNameThatLeadsToThisMachineIsRefused) {
  allow({"localhost:" + server_.port()});
  const auto result = run_well("wget -O - http://localhost:" + server_.port() + "/ 2>&1");
  EXPECT_THAT(result.output, HasSubstr("403"));
  EXPECT_THAT(result.connections, HasSubstr("only private addresses"));
}

TEST_F(NetworkTest, AListedNameAndAListedAddressTogetherReachIt) {
  allow({"localhost:" + server_.port(), "127.0.0.0/8:" + server_.port()});
  EXPECT_EQ(run_well("wget -q -O - http://localhost:" + server_.port() + "/").output, "hello\n");
}

TEST_F(NetworkTest, NonsenseIsAnsweredAndRecorded) {
  allow({});
  const auto result = run_well(
      "printf 'nonsense\\r\\n\\r\\n' | nc 127.0.0.1 3128; printf '\\005\\001\\002' | nc 127.0.0.1 "
      "3128 | od -c");
  EXPECT_THAT(result.output, HasSubstr("400 Bad Request"));
  EXPECT_THAT(result.connections, HasSubstr(R"("verdict":"malformed")"));
}

TEST_F(NetworkTest, ManyConnectionsAreServedWithABound) {
  allow({"127.0.0.1:" + server_.port()});
  const auto result = run_well(
      "for i in $(seq 1 200); do nc 127.0.0.1 3128 </dev/null >/dev/null & done; "
      "wget -q -O - http://127.0.0.1:" +
      server_.port() + "/; wait");
  EXPECT_THAT(result.output, HasSubstr("hello\n"));
}

TEST_F(NetworkTest, NothingOfTheProxyOutlivesTheSandbox) {
  allow({"127.0.0.1:" + server_.port()});
  std::size_t alive = 0;
  server_.on_request = [&] { alive = proxies_of_this_process().size(); };
  // Connections that nobody ever ends are open when the sandbox dies.
  (void)run_well(
      "for i in 1 2 3; do sleep 1000 | nc 127.0.0.1 3128 & done; "
      "wget -q -O - http://127.0.0.1:" +
      server_.port() + "/");
  EXPECT_EQ(alive, 1U);
  EXPECT_TRUE(becomes_true([] { return proxies_of_this_process().empty(); }));
}

// A connection that the other side keeps open on purpose is on record all the same.
TEST_F(NetworkTest, WhatIsOpenWhenTheSandboxEndsIsOnRecord) {
  allow({"127.0.0.1:" + server_.port()});
  std::promise<void> over;
  server_.on_request = [&, ended = over.get_future().share()] {
    (void)ended.wait_for(std::chrono::seconds(20));
  };
  const auto result = run_well(
      "(printf 'CONNECT 127.0.0.1:" + server_.port() +
      " HTTP/1.1\\r\\n\\r\\nGET / HTTP/1.0\\r\\n\\r\\n'; sleep 1000) | nc 127.0.0.1 3128 > "
      "answer & (sleep 1000 | nc 127.0.0.1 3128) & "
      "until grep -q 'Connection established' answer; do sleep 0.1; done");
  over.set_value();
  EXPECT_THAT(result.connections,
              HasSubstr(R"("verdict":"allowed","protocol":"connect","host":"127.0.0.1","port":)" +
                        server_.port()));
  EXPECT_THAT(result.connections, HasSubstr(R"("sent":18,"received":0)"));
}

// The line of /proc/PID/limits that begins with `name`.
std::string limit_of(const std::string& pid, const std::string& name) {
  std::ifstream limits("/proc/" + pid + "/limits");
  for (std::string line; std::getline(limits, line);) {
    if (line.starts_with(name)) return line;
  }
  return "";
}

// As the one process that strangers on the network talk to it is nobody, and can do nothing.
TEST_F(NetworkTest, TheProxyHasNoPrivileges) {
  allow({"127.0.0.1:" + server_.port()});
  if (host_ids_kind() == sandbox::HostIds::Kind::kRoot) {
    constexpr gid_t kGroup = 54321;
    ASSERT_EQ(::setgroups(1, &kGroup), 0);
    start_own_proxies();
    ASSERT_EQ(::setgroups(0, nullptr), 0);
  }
  std::map<std::string, std::string> seen;
  server_.on_request = [&] {
    for (const std::string& pid : proxies_of_this_process()) {
      for (const char* key : {"CapInh", "CapPrm", "CapEff", "CapAmb", "NoNewPrivs", "Seccomp",
                              "Uid", "Gid", "Groups"})
        seen[key] = status_of(pid, key);
      seen["core"] = limit_of(pid, "Max core file size");
    }
  };
  (void)run_well("wget -q -O - http://127.0.0.1:" + server_.port() + "/");
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapAmb"})
    EXPECT_EQ(seen[set], std::string(16, '0')) << set;
  EXPECT_EQ(seen["NoNewPrivs"], "1");
  EXPECT_EQ(seen["Seccomp"], "2");
  EXPECT_THAT(seen["core"], ::testing::ContainsRegex(" 0 +0 +bytes"));
  if (const auto id = ids()->unprivileged_id()) {
    const std::string text = std::to_string(*id);
    const std::string all = text + "\t" + text + "\t" + text + "\t" + text;
    EXPECT_EQ(seen["Uid"], all);
    EXPECT_EQ(seen["Gid"], all);
    EXPECT_EQ(seen["Groups"].find_first_not_of(' '), std::string::npos) << seen["Groups"];
  }
}

// Nor may anybody look into it where the machine lets processes be traced after a change of ids.
TEST_F(NetworkTest, TheProxyCannotBeLookedInto) {
  if (host_ids_kind() != sandbox::HostIds::Kind::kRoot) GTEST_SKIP() << "root alone can set it";
  const auto setting = SuidDumpable::set("1");
  if (!setting.ok()) GTEST_SKIP() << setting.error().message;
  allow({"127.0.0.1:" + server_.port()});
  std::vector<uid_t> owners;
  server_.on_request = [&] {
    for (const std::string& pid : proxies_of_this_process()) owners.push_back(owner_of_memory(pid));
  };
  (void)run_well("wget -q -O - http://127.0.0.1:" + server_.port() + "/");
  EXPECT_THAT(owners, ::testing::ElementsAre(0U)) << "it can be traced";
}

TEST_F(NetworkTest, TheProxyDiesWithWhatStartedIt) {
  allow({"127.0.0.1:" + server_.port()});
  start_own_proxies();
  std::promise<bool> died;
  // Its control socket is open all the time: nobody tells it to end.
  server_.on_request = [&] {
    const auto found = proxies_of_this_process();
    ASSERT_EQ(found.size(), 1U);
    const std::string server = status_of(found.front(), "PPid");
    ASSERT_EQ(status_of(server, "PPid"), std::to_string(::getpid()));
    ASSERT_EQ(::kill(std::stoi(server), SIGKILL), 0);
    died.set_value(becomes_true([&] { return !is_alive(found.front()); }));
  };
  (void)run_well("wget -q -O - http://127.0.0.1:" + server_.port() + "/");
  auto outcome = died.get_future();
  ASSERT_EQ(outcome.wait_for(std::chrono::seconds(20)), std::future_status::ready);
  EXPECT_TRUE(outcome.get());
}

}  // namespace
}  // namespace stagebox::testing
