// Who a stage is: ids, groups, and all five capability sets, exactly.
#include "tests/kernel/escape/escape_fixture.h"

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

}  // namespace
}  // namespace stagebox::testing
