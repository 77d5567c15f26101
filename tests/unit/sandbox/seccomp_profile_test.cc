#include "sandbox/seccomp/seccomp_profile.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "runtime/base/capabilities.h"
#include "sandbox/seccomp/seccomp_policy.h"

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
            "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 0, "op": "=="}]}]})",
       R"({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"name": "a b", "action": "SCMP_ACT_ALLOW"}]})",
       R"({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["read"], "name": 3, "action": "SCMP_ACT_ALLOW"}]})"}) {
    const auto rules = parse_seccomp_profile(json, context());
    ASSERT_FALSE(rules.ok()) << json;
    EXPECT_EQ(rules.error().kind, base::ErrorKind::kInvalid) << json;
  }
}

// What is ignored could be what makes a rule a narrow one.
TEST(SeccompProfile, RefusesUnknownKeysAndOtherTypesByTheirPlace) {
  const auto message = [](const std::string& json) {
    const auto rules = parse_seccomp_profile(json, context());
    return rules.ok() ? "taken: " + json : rules.error().message;
  };
  const auto of_profile = [&](const std::string& more) {
    return message(R"({"defaultAction": "SCMP_ACT_ERRNO", )" + more + "}");
  };
  const auto of_rule = [&](const std::string& more) {
    return of_profile(R"("syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW", )" + more +
                      "}]");
  };
  const auto of_condition = [&](const std::string& condition) {
    return of_rule(R"("args": [)" + condition + "]");
  };
  const std::vector<std::pair<std::string, std::string>> refused{
      {of_profile(R"("bogusKey": 1)"), "bogusKey"},
      {of_profile(R"("flags": ["SECCOMP_FILTER_FLAG_SPEC_ALLOW"])"), "FLAG_SPEC_ALLOW"},
      {of_profile(R"("flags": ["SECCOMP_FILTER_FLAG_LOG"])"), "FLAG_LOG"},
      {of_profile(R"("flags": "SECCOMP_FILTER_FLAG_TSYNC")"), "profile.flags"},
      {of_profile(R"("listenerMetadata": "x")"), "listenerMetadata"},
      {of_profile(R"("comment": 1)"), "profile.comment"},
      {of_profile(R"("archMap": {})"), "profile.archMap"},
      {of_profile(R"("archMap": [{"architecture": 1}])"), "archMap.architecture"},
      {of_profile(R"("archMap": [{"arch": "x"}])"), "\"arch\""},
      {of_profile(R"("architectures": "SCMP_ARCH_X86_64")"), "profile.architectures"},
      {of_profile(R"("defaultErrno": "EWHAT")"), "profile.defaultErrno"},
      {of_profile(R"("defaultErrno": "EPERM", "defaultErrnoRet": 38)"), "profile.defaultErrno"},
      {of_profile(R"("defaultErrnoRet": "38")"), "profile.defaultErrnoRet"},
      {of_rule(R"("args": {"index": 0, "value": 0, "op": "SCMP_CMP_EQ"})"), "syscalls[0].args"},
      {of_rule(R"("arguments": [])"), "syscalls[0]: the key \"arguments\""},
      {of_rule(R"("includes": {"cap": ["CAP_BPF"]})"), "syscalls[0].includes: the key \"cap\""},
      {of_rule(R"("includes": {"caps": "CAP_BPF"})"), "syscalls[0].includes.caps"},
      {of_rule(R"("includes": ["CAP_BPF"])"), "syscalls[0].includes"},
      {of_rule(R"("includes": {"minKernel": "new"})"), "syscalls[0].includes.minKernel"},
      {of_rule(R"("excludes": {"minKernel": 5})"), "syscalls[0].excludes.minKernel"},
      {of_rule(R"("comment": [])"), "syscalls[0].comment"},
      {of_rule(R"("errno": 1)"), "syscalls[0].errno"},
      {of_condition(R"({"index": 0, "value": 0, "op": "SCMP_CMP_EQ", "mask": 1})"), "\"mask\""},
      {of_condition(R"({"value": 0, "op": "SCMP_CMP_EQ"})"), "syscalls[0].args[0]: index"},
      {of_condition(R"({"index": 0, "op": "SCMP_CMP_EQ"})"), "syscalls[0].args[0]: value"},
      {of_condition("3"), "syscalls[0].args[0]"}};
  for (const auto& [said, expected] : refused) {
    EXPECT_FALSE(said.starts_with("taken")) << said;
    EXPECT_NE(said.find(expected), std::string::npos) << said;
  }
}

// What is unusual in the profiles that come with Docker, containerd and Podman.
TEST(SeccompProfile, TakesTheProfilesOfContainerEngines) {
  const SeccompRules rules = parsed(R"({
    "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "defaultErrno": "ENOSYS",
    "architectures": null, "flags": ["SECCOMP_FILTER_FLAG_TSYNC"], "comment": "all of it",
    "archMap": [
      {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]},
      {"architecture": "SCMP_ARCH_RISCV64", "subArchitectures": null}],
    "syscalls": [
      {"names": ["bdflush", "nice", "oldfstat", "oldolduname", "pciconfig_iobase", "sgetmask",
                 "swapcontext", "vm86old", "query_module", "stime", "clock_settime64"],
       "action": "SCMP_ACT_ERRNO", "args": [], "comment": "", "includes": {}, "excludes": {},
       "errnoRet": 1, "errno": "EPERM"},
      {"names": ["_llseek", "_newselect", "chown32", "clock_adjtime64", "ipc", "mmap2", "recv",
                 "readdir", "send", "sigreturn", "socketcall", "ugetrlimit", "umount", "waitpid",
                 "read", "write", "mseal", "listmount", "frobnicate_of_next_year"],
       "action": "SCMP_ACT_ALLOW", "args": null},
      {"names": ["riscv_hwprobe", "s390_pci_mmio_read", "arm_fadvise64_64", "breakpoint",
                 "sync_file_range2", "set_tls", "riscv_flush_icache"], "action": "SCMP_ACT_ALLOW"},
      {"names": ["ptrace"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"}},
      {"names": ["acct"], "action": "SCMP_ACT_ERRNO", "errno": "EACCES",
       "excludes": {"caps": ["CAP_SYS_PACCT"], "arches": ["s390", "s390x"]}},
      {"name": "uname", "action": "SCMP_ACT_ALLOW"},
      {"names": ["clone"], "action": "SCMP_ACT_ALLOW",
       "args": [{"index": 0, "value": 2114060288, "op": "SCMP_CMP_MASKED_EQ"}]}]})");
  ASSERT_EQ(rules.rules.size(), 7U);
  EXPECT_EQ(rules.default_error, unsigned{ENOSYS});
  EXPECT_EQ(rules.rules[4].error, unsigned{EACCES});
  const auto program = compile_seccomp(rules, DeniedCalls::kAnswered);
  ASSERT_TRUE(program.ok()) << program.error().message;
}

// A deny-list may name what is not of this machine.
TEST(SeccompProfile, TakesADenyListForAllMachines) {
  const SeccompRules rules = parsed(R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
    {"names": ["socketcall", "vm86", "arm_fadvise64_64", "s390_runtime_instr", "breakpoint",
               "listmount"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13}]})");
  const auto program = compile_seccomp(rules, DeniedCalls::kAnswered);
  EXPECT_TRUE(program.ok()) << program.error().message;
}

TEST(SeccompProfile, KnowsThisMachine) {
  const ProfileContext machine = ProfileContext::of_machine(*base::capability_bit("CAP_CHOWN"));
  EXPECT_GE(machine.kernel_major, 5U);
  EXPECT_EQ(machine.capabilities, std::set<std::string>{"CAP_CHOWN"});
  EXPECT_FALSE(machine.architecture.empty());
}

TEST(Capabilities, HaveNames) {
  EXPECT_EQ(base::capability_bit("cap_sys_admin"), std::uint64_t{1} << 21);
  EXPECT_EQ(base::capability_bit("CHECKPOINT_RESTORE"), std::uint64_t{1} << 40);
  EXPECT_FALSE(base::capability_bit("CAP_").has_value());
  EXPECT_FALSE(base::capability_bit("EVERYTHING").has_value());
  EXPECT_EQ(base::capability_names(~std::uint64_t{0}).size(), 41U);
}

}  // namespace
}  // namespace stagebox::sandbox
