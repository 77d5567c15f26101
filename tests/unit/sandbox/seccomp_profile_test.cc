#include "sandbox/seccomp_profile.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "sandbox/capabilities.h"
#include "sandbox/seccomp_policy.h"

namespace stagebox::sandbox {
namespace {

ProfileContext context() { return {{"CAP_SYS_ADMIN"}, "amd64", "SCMP_ARCH_X86_64", 5, 10}; }

SeccompRules parsed(const std::string& json) {
  auto rules = parse_seccomp_profile(json, context());
  EXPECT_TRUE(rules.ok()) << (rules.ok() ? "" : rules.error().message);
  return rules.ok() ? *rules : SeccompRules{};
}

TEST(SeccompProfile, ReadsWhatTheRuntimeSpecificationSays) {
  const SeccompRules rules = parsed(R"({
    "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38,
    "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
    "syscalls": [
      {"names": ["read", "write"], "action": "SCMP_ACT_ALLOW"},
      {"names": ["clone"], "action": "SCMP_ACT_ALLOW",
       "args": [{"index": 0, "value": 2114060288, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}]},
      {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}]})");
  EXPECT_EQ(canonical_text(rules),
            "default 1 38\nrule 0 38 read write\nrule 0 38 [0 6 2114060288 0] clone\n"
            "rule 1 1 clone3\n");
}

TEST(SeccompProfile, DecidesDockersConditions) {
  const auto names = [](const std::string& condition) {
    return parsed(R"({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
      {"names": ["mount"], "action": "SCMP_ACT_ALLOW", )" +
                  condition + "}]}")
        .rules.size();
  };
  EXPECT_EQ(names(R"("includes": {"caps": ["CAP_SYS_ADMIN"]})"), 1U);
  EXPECT_EQ(names(R"("includes": {"caps": ["CAP_SYS_ADMIN", "CAP_BPF"]})"), 0U);
  EXPECT_EQ(names(R"("excludes": {"caps": ["CAP_SYS_ADMIN"]})"), 0U);
  EXPECT_EQ(names(R"("includes": {"arches": ["arm64", "amd64"]})"), 1U);
  EXPECT_EQ(names(R"("includes": {"arches": ["s390x"]})"), 0U);
  EXPECT_EQ(names(R"("excludes": {"arches": ["amd64"]})"), 0U);
  EXPECT_EQ(names(R"("includes": {"minKernel": "4.8"})"), 1U);
  EXPECT_EQ(names(R"("includes": {"minKernel": "5.10"})"), 1U);
  EXPECT_EQ(names(R"("includes": {"minKernel": "5.11"})"), 0U);
  EXPECT_EQ(names(R"("includes": {"minKernel": "10.0"})"), 0U);
  EXPECT_EQ(names(R"("includes": {}, "excludes": {})"), 1U);
}

TEST(SeccompProfile, TakesSeveralComparisonsOfOneArgumentAsAlternatives) {
  const SeccompRules rules = parsed(R"({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
    {"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [
      {"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}, {"index": 0, "value": 2, "op": "SCMP_CMP_EQ"}]}]})");
  EXPECT_EQ(rules.rules.size(), 2U);
  EXPECT_TRUE(compile_seccomp(rules, DeniedCalls::kAnswered).ok());
}

TEST(SeccompProfile, RefusesWhatItDoesNotUnderstand) {
  for (
      const char* json :
      {"", "[]", "{", R"({"defaultAction": "SCMP_ACT_MAYBE"})", R"({"defaultAction": 3})", "{}",
       R"({"defaultAction": "SCMP_ACT_NOTIFY"})", R"({"defaultAction": "SCMP_ACT_TRACE"})",
       R"({"defaultAction": "SCMP_ACT_ERRNO", "listenerPath": "/run/agent"})",
       R"({"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_S390X"]})",
       R"({"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 70000})",
       R"({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": {}})",
       R"({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"action": "SCMP_ACT_ALLOW"}]})",
       R"({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["a b"], "action": "SCMP_ACT_ALLOW"}]})",
       R"({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["read"]}]})",
       R"({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["read"],
            "action": "SCMP_ACT_ALLOW", "args": [{"index": 6, "value": 0, "op": "SCMP_CMP_EQ"}]}]})",
       R"({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["read"],
            "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 0, "op": "=="}]}]})"}) {
    const auto rules = parse_seccomp_profile(json, context());
    ASSERT_FALSE(rules.ok()) << json;
    EXPECT_EQ(rules.error().kind, base::ErrorKind::kInvalid) << json;
  }
}

TEST(SeccompProfile, KnowsThisMachine) {
  const ProfileContext machine = ProfileContext::of_machine(*capability_bit("CAP_CHOWN"));
  EXPECT_GE(machine.kernel_major, 5U);
  EXPECT_EQ(machine.capabilities, std::set<std::string>{"CAP_CHOWN"});
  EXPECT_FALSE(machine.architecture.empty());
}

TEST(Capabilities, HaveNames) {
  EXPECT_EQ(capability_bit("cap_sys_admin"), std::uint64_t{1} << 21);
  EXPECT_EQ(capability_bit("CHECKPOINT_RESTORE"), std::uint64_t{1} << 40);
  EXPECT_FALSE(capability_bit("CAP_").has_value());
  EXPECT_FALSE(capability_bit("EVERYTHING").has_value());
  EXPECT_EQ(capability_names(~std::uint64_t{0}).size(), 41U);
}

}  // namespace
}  // namespace stagebox::sandbox
