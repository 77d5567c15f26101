// Sandboxes that share the network namespace of another one, and nothing else.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <sstream>
#include <thread>

#include "runtime/base/files.h"
#include "runtime/base/wait_ready.h"
#include "sandbox/network/namespace_socket.h"
#include "sandbox/network/network_channel.h"
#include "tests/kernel/helper_killer.h"
#include "tests/kernel/host_process.h"
#include "tests/kernel/sandbox_fixture.h"

namespace stagebox::testing {
namespace {

using sandbox::Sharing;
using ::testing::HasSubstr;

constexpr const char* kNamespaces =
    "for n in net user mnt pid ipc uts cgroup; do "
    "readlink /proc/self/ns/$n; done";

class SharedNetworkTest : public SandboxTest {
 protected:
  /// A sandbox that lets others into its network; from then on spec_ is for one of them.
  void hold_owner(const std::string& script) {
    auto channel = sandbox::network::NetworkChannel::make();
    ASSERT_TRUE(channel.ok());
    network_channel_ = channel->take_sandbox_end();
    scratch_name_ = "owner";
    spec_.network_owner = sandbox::NetworkOwner::kForOthers;
    auto held = hold(script, Until::kRunning);
    ASSERT_TRUE(held.ok()) << held.error().message;
    owner_.emplace(std::move(*held));
    auto namespaces = channel->receive_namespaces();
    ASSERT_TRUE(namespaces.ok()) << namespaces.error().message;
    network_namespace_ = std::move(namespaces->network);
    scratch_name_ = "scratch";
    spec_.network_owner = sandbox::NetworkOwner::kAlone;
    spec_.namespaces.network = Sharing::kWithSandbox;
  }

  std::string output_of(const std::string& script) {
    (void)base::remove_tree_at(dir_.fd(), scratch_name_);  // Of one that was refused.
    const auto result = run(script);
    return result.ok() ? result->output : result.error().message;
  }

  std::string in_owner(const std::string& script) {
    sandbox::ProcessSpec process;
    process.command = {{"sh", "-c", script}, {{"PATH", "/bin"}}, "/"};
    return exec_output(*owner_, process);
  }

  std::optional<HeldSandbox> owner_;
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST_F(SharedNetworkTest, IsTheOnlyNamespaceThatIsShared) {
  hold_owner("sleep 60");
  const auto owner = lines_of(in_owner(kNamespaces));
  const auto other = lines_of(output_of(kNamespaces));
  ASSERT_EQ(owner.size(), 7U);
  ASSERT_EQ(other.size(), 7U);
  EXPECT_EQ(owner[0], other[0]);
  EXPECT_NE(owner[0], std::filesystem::read_symlink("/proc/self/ns/net").string());
  for (std::size_t i = 1; i < owner.size(); ++i) EXPECT_NE(owner[i], other[i]);
}

TEST_F(SharedNetworkTest, ReachEachOtherThroughTheLoopback) {
  hold_owner("nc -l -p 7000 -e echo from the owner");
  const std::string ask =
      "for i in $(seq 100); do nc 127.0.0.1 7000 2>/dev/null && exit; usleep 50000; done";
  EXPECT_EQ(output_of(ask), "from the owner\n");
}

TEST_F(SharedNetworkTest, CanBeConnectedToFromOutsideWithASocketMadeInIt) {
  hold_owner("while true; do nc -l -p 7000 -e true; done");
  struct sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int error = ECONNREFUSED;
  for (int i = 0; i < 200 && error != 0; ++i) {
    const auto socket = sandbox::network::tcp_socket_in(network_namespace_.get());
    ASSERT_TRUE(socket.ok()) << socket.error().message;
    address.sin_port = htons(7000);
    const auto* generic = reinterpret_cast<const struct sockaddr*>(&address);
    error = ::connect(socket->get(), generic, sizeof(address)) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
      struct pollfd connected{socket->get(), POLLOUT, 0};
      ASSERT_EQ(::poll(&connected, 1, 10'000), 1);
      socklen_t size = sizeof(error);
      ASSERT_EQ(::getsockopt(socket->get(), SOL_SOCKET, SO_ERROR, &error, &size), 0);
    }
    if (error != 0) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_EQ(error, 0);
  // Nothing of the kind in our own.
  const auto outside = sandbox::network::tcp_socket_in(-1);
  ASSERT_TRUE(outside.ok());
  const auto wrong = sandbox::network::tcp_socket_in(outside->get());
  EXPECT_FALSE(wrong.ok());
}

TEST_F(SharedNetworkTest, AProcessThatIsAddedToASharingSandboxIsInThatNetworkToo) {
  hold_owner("sleep 60");
  auto sharing = hold("sleep 60", Until::kRunning);
  ASSERT_TRUE(sharing.ok()) << sharing.error().message;
  sandbox::ProcessSpec process;
  process.command = {{"readlink", "/proc/self/ns/net"}, {{"PATH", "/bin"}}, "/"};
  EXPECT_EQ(exec_output(*sharing, process), in_owner("readlink /proc/self/ns/net"));
}

TEST_F(SharedNetworkTest, NobodyWhoSharesItHasPowerOverIt) {
  hold_owner("sleep 60");
  const std::uint64_t net_admin = std::uint64_t{1} << CAP_NET_ADMIN;
  spec_.capabilities = {net_admin, net_admin, net_admin, net_admin, net_admin};
  EXPECT_THAT(output_of("ifconfig lo down"), HasSubstr("not permitted"));
  EXPECT_THAT(in_owner("ifconfig lo"), HasSubstr("UP"));
  // With the same capabilities in a network namespace of its own it works.
  spec_.namespaces.network = Sharing::kOwn;
  EXPECT_EQ(output_of("ifconfig lo down"), "");
}

TEST_F(SharedNetworkTest, OneCanEndWithoutTheOther) {
  hold_owner("sleep 60");
  auto sharing = hold("sleep 60", Until::kRunning);
  ASSERT_TRUE(sharing.ok()) << sharing.error().message;
  ASSERT_TRUE(owner_->sandbox.signal(SIGKILL).ok());
  (void)base::wait_ready(owner_->sandbox.pidfd(), POLLIN);
  EXPECT_EQ(sharing->sandbox.state(), sandbox::Sandbox::State::kRunning);
  ASSERT_TRUE(sharing->sandbox.destroy(sandbox::Sandbox::Removal::kByForce).ok());
}

TEST_F(SharedNetworkTest, ExitStatusAndUsageAreReportedAsOfEverySandbox) {
  hold_owner("sleep 60");
  const auto result = run("exit 3");
  ASSERT_TRUE(result.ok()) << result.error().message;
  const auto* exited = std::get_if<sandbox::Exited>(&result->report.cause);
  ASSERT_NE(exited, nullptr);
  EXPECT_EQ(exited->status, 3);
  EXPECT_GE(result->report.usage.processes, 1U);
}

// Of its own, because only root can do it.
class TracedSharedNetworkTest : public SharedNetworkTest {};

TEST_F(TracedSharedNetworkTest, AHelperThatDiesEarlyLeavesNoSandbox) {
  if (host_ids_kind() != sandbox::HostIds::Kind::kRoot) GTEST_SKIP() << "only root can trace it";
  own_server_ = std::move(*sandbox::ForkServer::start());
  hold_owner("sleep 60");
  const std::string server = status_of(pid_behind(owner_->sandbox.pidfd()), "PPid");
  HelperKiller killer(server);
  ASSERT_TRUE(killer.started());
  const auto held = hold("sleep 60", Until::kRunning);
  EXPECT_TRUE(killer.killed());
  ASSERT_FALSE(held.ok());
  EXPECT_EQ(held.error().errno_value, ECHILD) << held.error().message;
  EXPECT_EQ(count_children(server), 1U) << "the owner's pid 1";
  EXPECT_EQ(output_of("echo again"), "again\n");
}

TEST_F(SharedNetworkTest, WhatCannotBeSharedIsRefused) {
  spec_.namespaces.network = Sharing::kWithSandbox;
  EXPECT_THAT(output_of("true"), HasSubstr("was not given"));
  network_namespace_ = base::open_path("/proc/self/ns/uts", O_RDONLY).value();
  EXPECT_THAT(output_of("true"), HasSubstr("was not given"));
  network_namespace_ = base::open_path("/proc/self/ns/net", O_RDONLY).value();
  spec_.network_owner = sandbox::NetworkOwner::kForOthers;
  network_channel_ = base::open_path("/dev/null", O_RDONLY).value();
  EXPECT_THAT(output_of("true"), HasSubstr("of the sandbox's own"));
  spec_.network_owner = sandbox::NetworkOwner::kAlone;
  spec_.namespaces.uts = Sharing::kWithSandbox;
  EXPECT_THAT(output_of("true"), HasSubstr("the only one that sandboxes can share"));
}

TEST_F(SharedNetworkTest, MoreNamesOfTheLoopback) {
  spec_.host_names = {"db", "broker"};
  EXPECT_EQ(output_of("head -n 1 /etc/hosts"), "127.0.0.1 localhost stagebox db broker\n");
  spec_.host_names = {"db\n10.0.0.1 example.org"};
  EXPECT_THAT(output_of("true"), HasSubstr("not a name for /etc/hosts"));
}

}  // namespace
}  // namespace stagebox::testing
