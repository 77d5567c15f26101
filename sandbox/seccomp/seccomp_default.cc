// The default rules: the allow-list, and the calls that are allowed with some arguments only.
#include <linux/sched.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

#include "sandbox/seccomp/seccomp_policy.h"

namespace stagebox::sandbox {
namespace {

using Operation = SeccompCondition::Operation;

// The kernel takes an int or an unsigned int: the high half must not get a value past us.
constexpr std::uint64_t kInt = 0xffffffff;

SeccompCondition int_is(unsigned argument, std::uint64_t value) {
  return {argument, Operation::kMaskedEqual, kInt, value};
}

SeccompRule allow_when(const char* name, std::vector<SeccompCondition> conditions) {
  return {{name}, SeccompAction::kAllow, 0, std::move(conditions)};
}

// clone without any namespace flag. The kernel reads the flags as 64 bits and acts on the low 32.
SeccompRule plain_clone() {
  constexpr std::uint64_t kNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS |
                                        CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
  return allow_when("clone", {{0, Operation::kMaskedEqual, kNamespaces, 0}});
}

// TCP, UDP and echo requests. SCTP, DCCP, SMC, UDP-Lite and their like are modules that a mere
// socket(2) has the kernel load, for anybody. Raw sockets take a capability.
void add_internet_sockets(std::vector<SeccompRule>& rules, int family) {
  constexpr std::uint64_t kTypeMask = 0xf;  // SOCK_NONBLOCK and SOCK_CLOEXEC are above.
  const auto is_family = int_is(0, static_cast<std::uint64_t>(family));
  const auto has_type = [](std::uint64_t type) {
    return SeccompCondition{1, Operation::kMaskedEqual, kTypeMask, type};
  };
  for (const int protocol : {0, static_cast<int>(IPPROTO_TCP), static_cast<int>(IPPROTO_MPTCP)}) {
    rules.push_back(allow_when("socket", {is_family, has_type(SOCK_STREAM),
                                          int_is(2, static_cast<std::uint64_t>(protocol))}));
  }
  for (const int protocol : {0, static_cast<int>(IPPROTO_UDP), static_cast<int>(IPPROTO_ICMP),
                             static_cast<int>(IPPROTO_ICMPV6)}) {
    rules.push_back(allow_when("socket", {is_family, has_type(SOCK_DGRAM),
                                          int_is(2, static_cast<std::uint64_t>(protocol))}));
  }
  rules.push_back(allow_when("socket", {is_family, has_type(SOCK_RAW)}));
}

// Local, IPv4, IPv6 and route queries. AF_ALG, AF_VSOCK, AF_PACKET and the exotic families are
// kernel surface, in pairs too: socketpair(2) makes both sockets before it asks whether the family
// can join them, and that of TIPC can.
void add_sockets(std::vector<SeccompRule>& rules) {
  for (const char* call : {"socket", "socketpair"})
    rules.push_back(allow_when(call, {int_is(0, AF_UNIX)}));
  for (const int family : {AF_INET, AF_INET6}) add_internet_sockets(rules, family);
  constexpr std::uint64_t kNetlinkRoute = 0;
  rules.push_back(allow_when("socket", {int_is(0, AF_NETLINK), int_is(2, kNetlinkRoute)}));
}

// Running old binaries needs some personalities; the one that switches off address space
// randomisation is what debuggers ask for. READ_IMPLIES_EXEC and the others are refused.
void add_personality(std::vector<SeccompRule>& rules) {
  for (const std::uint64_t persona :
       {0x0ULL, 0x0008ULL, 0x20000ULL, 0x20008ULL, 0x40000ULL, 0xffffffffULL}) {
    rules.push_back(allow_when("personality", {{0, Operation::kEqual, persona, 0}}));
  }
}

}  // namespace

SeccompRules default_seccomp_rules() {
  SeccompRules rules;
  rules.default_error = EPERM;
  SeccompRule allowed;
  for (const std::string_view name : allowed_syscalls()) allowed.names.emplace_back(name);
  rules.rules.push_back(std::move(allowed));
  rules.rules.push_back(plain_clone());
  add_sockets(rules.rules);
  add_personality(rules.rules);
  // "Not there" makes libc and others fall back; "not permitted" would make them give up.
  rules.rules.push_back(
      {{"clone3", "io_uring_setup", "io_uring_enter", "io_uring_register", "io_setup", "io_submit",
        "io_getevents", "io_pgetevents", "io_cancel", "io_destroy"},
       SeccompAction::kError,
       ENOSYS,
       {}});
  return rules;
}

}  // namespace stagebox::sandbox
