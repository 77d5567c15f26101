// Who a stage is: ids, groups, all five capability sets, and what its signals do, exactly.
#include <pthread.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <utility>
#include <vector>

#include "tests/kernel/escape/escape_fixture.h"
#include "tests/kernel/host_process.h"

namespace stagebox::testing {
namespace {

constexpr char kStatus[] =
    "grep -E '^(Uid|Gid|Groups|CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs)' /proc/self/status | "
    "sed 's/[[:space:]][[:space:]]*/ /g'";

class IdentityTest : public EscapeTest {
 protected:
  void expect_status(const std::string& ids, const std::string& groups, const std::string& sets) {
    const auto result = run(kStatus);
    ASSERT_TRUE(result.ok()) << result.error().message;
    EXPECT_EQ(result->output, ids + groups + sets + "NoNewPrivs: 1\n");
  }
};

constexpr char kNoCapabilities[] =
    "CapInh: 0000000000000000\nCapPrm: 0000000000000000\nCapEff: 0000000000000000\n"
    "CapBnd: 0000000000000000\nCapAmb: 0000000000000000\n";

// CVE-2022-24769, CVE-2022-27649: inheritable capabilities that nobody asked for.
TEST_F(IdentityTest, RootHasNoCapability) {
  // Without setgroups the groups of the one who started us stay; here he has none.
  expect_status("Uid: 0 0 0 0\nGid: 0 0 0 0\n", "Groups: \n", kNoCapabilities);
}

TEST_F(IdentityTest, UsersHaveExactlyTheirIds) {
  if (host_ids_kind() == sandbox::HostIds::Kind::kSingle) GTEST_SKIP() << "no subordinate ids";
  spec_.user = {1000, 1001, {5, 1002}};
  expect_status("Uid: 1000 1000 1000 1000\nGid: 1001 1001 1001 1001\n", "Groups: 5 1002 \n",
                kNoCapabilities);
  spec_.user = {65535, 65535, {}};
  expect_status("Uid: 65535 65535 65535 65535\nGid: 65535 65535 65535 65535\n", "Groups: \n",
                kNoCapabilities);
}

// What one leaves somewhere, or a signal that gets out of it, is nobody's for the others: also of
// another Stagebox on this machine. An ordinary user has one range for all his sandboxes.
TEST_F(IdentityTest, SandboxesAtTheSameTimeShareNoId) {
  if (host_ids_kind() != sandbox::HostIds::Kind::kRoot) GTEST_SKIP() << "one range for all";
  const auto outside = [](const HeldSandbox& held) {
    std::ifstream map("/proc/" + pid_behind(held.sandbox.pidfd()) + "/uid_map");
    unsigned long inside = 1;
    unsigned long first = 0;
    unsigned long count = 0;
    map >> inside >> first >> count;
    EXPECT_EQ(inside, 0U);
    EXPECT_GE(count, 65536U);
    return std::pair(first, first + count);
  };
  const HeldSandbox one = HOLD("exec sleep 1000", Until::kRunning);
  scratch_name_ = "another";
  const HeldSandbox other = HOLD("exec sleep 1000", Until::kRunning);
  const auto elsewhere = sandbox::HostIds::acquire();
  ASSERT_TRUE(elsewhere.ok());
  const auto lease = sandbox::HostIds::lease(*elsewhere);
  ASSERT_TRUE(lease.ok());
  std::vector<std::pair<unsigned long, unsigned long>> ranges{
      outside(one), outside(other), {lease->map().first, lease->map().first + lease->map().count}};
  std::ranges::sort(ranges);
  EXPECT_GT(ranges[0].first, 0U);
  EXPECT_LE(ranges[0].second, ranges[1].first);
  EXPECT_LE(ranges[1].second, ranges[2].first);
}

// CVE-2024-40635: an id that wraps around, or that nobody mapped, must not become another one.
TEST_F(IdentityTest, IdsOutOfRangeAreRefused) {
  for (const uid_t id : {65536U, 2147483648U, 4294967294U, 4294967295U}) {
    spec_.user = {id, 0, {}};
    EXPECT_FALSE(run(kStatus).ok()) << id;
    discard_scratch();
    spec_.user = {0, id, {}};
    EXPECT_FALSE(run(kStatus).ok()) << id;
    discard_scratch();
  }
  if (host_ids_kind() == sandbox::HostIds::Kind::kSingle) return;  // no groups can be set at all
  spec_.user = {0, 0, {70000}};
  EXPECT_FALSE(run(kStatus).ok());
}

TEST_F(IdentityTest, DeclaredCapabilitiesAndNoOthers) {
  constexpr std::uint64_t kKept = 0x401;  // chown, net_bind_service
  spec_.capabilities = {kKept, kKept, kKept};
  expect_status("Uid: 0 0 0 0\nGid: 0 0 0 0\n", "Groups: \n",
                "CapInh: 0000000000000000\nCapPrm: 0000000000000401\nCapEff: 0000000000000401\n"
                "CapBnd: 0000000000000401\nCapAmb: 0000000000000000\n");
}

// no_new_privs and nosuid: a setuid file of the image gives nothing.
TEST_F(IdentityTest, SetuidFilesGiveNothing) {
  if (host_ids_kind() == sandbox::HostIds::Kind::kSingle) GTEST_SKIP() << "no subordinate ids";
  ASSERT_EQ(::chmod(dir_.path("layer/bin/busybox").c_str(), 06755), 0);
  spec_.user = {1000, 1000, {}};
  expect_status("Uid: 1000 1000 1000 1000\nGid: 1000 1000 1000 1000\n", "Groups: \n",
                kNoCapabilities);
}

// What the kernel does for root by itself (securebits in capabilities(7)) is switched off for good:
// neither exec nor a change of ids could ever bring a capability.
TEST_F(IdentityTest, RootIsNothingSpecialToTheKernel) {
  constexpr char kLocked[] = "securebits ef\n";
  for (const uid_t id : {0U, 1000U}) {
    if (id != 0 && host_ids_kind() == sandbox::HostIds::Kind::kSingle) continue;
    spec_.user = {id, id, {}};
    const auto result = ATTACK("gain-privileges");
    ASSERT_TRUE(result.output.starts_with(kLocked)) << result.output;
    expect_all_refused(result.output.substr(sizeof(kLocked) - 1), 3);
  }
}

TEST_F(IdentityTest, RootIsNothingSpecialInAProcessThatJoins) {
  const auto held = hold("exec sleep 1000", Until::kRunning);
  ASSERT_TRUE(held.ok()) << held.error().message;
  sandbox::ProcessSpec process;
  process.command.argv = {"/bin/attack", "gain-privileges"};
  process.command.workdir = "/";
  const std::string output = exec_output(*held, process);
  EXPECT_TRUE(output.starts_with("securebits ef\n")) << output;
  EXPECT_EQ(output.find("ALLOWED"), std::string::npos) << output;
}

// Whoever starts Stagebox may block and ignore what he likes: a stage begins with every signal
// unblocked and at its default, or SIGTERM would not end it.
TEST_F(IdentityTest, SignalsAreAtTheirDefaults) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ASSERT_EQ(::pthread_sigmask(SIG_SETMASK, &all, &before), 0);
  const auto ignored = ::signal(SIGUSR1, SIG_IGN);
  auto server = sandbox::ForkServer::start();
  ASSERT_TRUE(server.ok()) << server.error().message;
  own_server_ = std::move(*server);
  // Not through a shell, which has a mind of its own.
  spec_.command.argv = {"grep", "-E", "^Sig(Blk|Ign|Cgt)", "/proc/self/status"};
  const auto result = run("");
  auto held = hold("exec sleep 1000", Until::kRunning);
  (void)::signal(SIGUSR1, ignored);
  ASSERT_EQ(::pthread_sigmask(SIG_SETMASK, &before, nullptr), 0);
  constexpr char kDefaults[] =
      "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\nSigCgt:\t0000000000000000\n";
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->output, kDefaults);
  ASSERT_TRUE(held.ok()) << held.error().message;
  sandbox::ProcessSpec process;
  process.command = {{"/bin/grep", "-E", "^Sig(Blk|Ign|Cgt)", "/proc/self/status"}, {}, "/"};
  EXPECT_EQ(exec_output(*held, process), kDefaults);
}

}  // namespace
}  // namespace stagebox::testing
