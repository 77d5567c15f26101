#include "sandbox/seccomp/seccomp_policy.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <optional>
#include <set>

#include "runtime/base/files.h"
#include "runtime/base/printable.h"
#include "sandbox/seccomp/newer_syscalls.h"
#include "sandbox/seccomp/refused_requests.h"
#include "sandbox/seccomp/seccomp_context.h"

namespace stagebox::sandbox {
namespace {

using base::Result;
using Operation = SeccompCondition::Operation;
using Program = std::shared_ptr<const SeccompProgram>;

constexpr std::size_t kMaxFilterBytes = std::size_t{BPF_MAXINSNS} * sizeof(sock_filter);
// Numbers from here on are those of x32.
constexpr std::uint32_t kForeignNumbers = 0x40000000;

base::Error failed(const std::string& what, int result) {
  return base::system_error("compile the system call filter: " + what, -result);
}

std::uint32_t action_of(SeccompAction action, unsigned error) {
  switch (action) {
    case SeccompAction::kAllow:
      return SCMP_ACT_ALLOW;
    case SeccompAction::kError:
      return SCMP_ACT_ERRNO(error);
    case SeccompAction::kLog:
      return SCMP_ACT_LOG;
    case SeccompAction::kTrap:
      return SCMP_ACT_TRAP;
    case SeccompAction::kKillThread:
      return SCMP_ACT_KILL_THREAD;
    case SeccompAction::kKillProcess:
      break;
  }
  return SCMP_ACT_KILL_PROCESS;
}

scmp_compare compare_of(Operation operation) {
  switch (operation) {
    case Operation::kNotEqual:
      return SCMP_CMP_NE;
    case Operation::kLess:
      return SCMP_CMP_LT;
    case Operation::kLessOrEqual:
      return SCMP_CMP_LE;
    case Operation::kEqual:
      return SCMP_CMP_EQ;
    case Operation::kGreaterOrEqual:
      return SCMP_CMP_GE;
    case Operation::kGreater:
      return SCMP_CMP_GT;
    case Operation::kMaskedEqual:
      break;
  }
  return SCMP_CMP_MASKED_EQ;
}

// Negative: libseccomp knows it, but as a call of other architectures; none: nobody knows it.
std::optional<int> number_of(const std::string& name) {
  const int number = ::seccomp_syscall_resolve_name(name.c_str());
  if (number >= 0) return number;
  // What was another architecture's alone when libseccomp was made may be ours since.
  if (const auto newer = newer_syscall_number(name)) return newer;
  if (number == __NR_SCMP_ERROR) return std::nullopt;
  return number;
}

bool lets_through(SeccompAction action) {
  return action == SeccompAction::kAllow || action == SeccompAction::kLog;
}

// A name that nobody knows does no harm where the default denies its call, whatever it is. Where
// the default lets it through, a rule that is to deny it would deny nothing.
Result<void> check_unknown(const std::string& name, const SeccompRule& rule,
                           SeccompAction by_default) {
  if (!lets_through(by_default) || lets_through(rule.action)) return {};
  return base::invalid("seccomp profile: the system call " + base::printable(name) +
                       " is not known here, so it cannot be denied");
}

Result<void> add_rule(void* context, const SeccompRule& rule, SeccompAction by_default) {
  std::vector<scmp_arg_cmp> conditions;
  conditions.reserve(rule.conditions.size());
  for (const SeccompCondition& condition : rule.conditions) {
    conditions.push_back({condition.argument, compare_of(condition.operation), condition.value,
                          condition.value_two});
  }
  for (const std::string& name : rule.names) {
    const auto number = number_of(name);
    if (!number) {
      TRY(check_unknown(name, rule, by_default));
      continue;
    }
    const int result =
        ::seccomp_rule_add_array(context, action_of(rule.action, rule.error), *number,
                                 static_cast<unsigned>(conditions.size()), conditions.data());
    if (result != 0) return failed(name, result);
  }
  return {};
}

Result<std::vector<sock_filter>> export_program(void* context) {
  const base::UniqueFd file(::memfd_create("seccomp", MFD_CLOEXEC));
  if (!file) return base::errno_error("create a memory file");
  const int result = ::seccomp_export_bpf(context, file.get());
  if (result != 0) return failed("export", result);
  if (::lseek(file.get(), 0, SEEK_SET) < 0) return base::errno_error("rewind a memory file");
  const std::string bytes = TRY(base::read_all(file.get(), kMaxFilterBytes));
  std::vector<sock_filter> instructions(bytes.size() / sizeof(sock_filter));
  bytes.copy(reinterpret_cast<char*>(instructions.data()), bytes.size());
  return instructions;
}

int newest_known_syscall() {
  constexpr int kBeyond = 1024;
  for (int number = kBeyond; number > 0; --number) {
    char* name = ::seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
    const bool known = name != nullptr;
    std::free(name);  // NOLINT(cppcoreguidelines-no-malloc): libseccomp's, as its manual says
    if (known) return number;
  }
  return kBeyond;
}

// Numbers that libseccomp does not know and the rules name.
std::set<std::uint32_t> newer_in(const SeccompRules& rules) {
  std::set<std::uint32_t> numbers;
  const int newest = newest_known_syscall();
  for (const SeccompRule& rule : rules.rules) {
    for (const std::string& name : rule.names) {
      const auto number = newer_syscall_number(name);
      if (number && *number > newest) numbers.insert(static_cast<std::uint32_t>(*number));
    }
  }
  return numbers;
}

// In front of the rest: what is newer than libseccomp and not `named` is "not there". Jumps are
// relative, so the rest stays as it is; whatever else arrives, another architecture's calls
// included, is for it.
void put_unknown_first(std::vector<sock_filter>& instructions,
                       const std::set<std::uint32_t>& named) {
  const auto newest = static_cast<std::uint32_t>(newest_known_syscall());
  const std::uint32_t native = ::seccomp_arch_native();
  // One instruction each, far fewer than the 255 that a jump can skip.
  const auto count = static_cast<std::uint8_t>(named.size());
  const auto to_rest = [count](int rest) { return static_cast<std::uint8_t>(rest + count); };
  std::vector<sock_filter> prefix{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, native, 0, to_rest(4)),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, kForeignNumbers, to_rest(2), 0),
      BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, newest, 0, to_rest(1))};
  std::uint8_t left = count;
  for (const std::uint32_t number : named)
    prefix.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, left--, 0));
  prefix.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS));
  instructions.insert(instructions.begin(), prefix.begin(), prefix.end());
}

// The process sends its listener with it, under the filter.
bool allows_sendmsg(const SeccompRules& rules) {
  bool allowed = lets_through(rules.default_action);
  for (const SeccompRule& rule : rules.rules) {
    if (std::ranges::find(rule.names, "sendmsg") == rule.names.end()) continue;
    if (!lets_through(rule.action)) return false;
    allowed = allowed || rule.conditions.empty();
  }
  return allowed;
}

// The errno stays where it was: the kernel does not look at it, and a SyscallObserver answers it.
void ask_instead_of_refusing(std::vector<sock_filter>& instructions) {
  for (sock_filter& step : instructions) {
    const bool refuses =
        step.code == (BPF_RET | BPF_K) && (step.k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO;
    if (refuses) step.k = SECCOMP_RET_USER_NOTIF | (step.k & SECCOMP_RET_DATA);
  }
}

}  // namespace

Result<Program> compile_seccomp(const SeccompRules& rules, DeniedCalls denied) {
  if (denied == DeniedCalls::kReported && !allows_sendmsg(rules))
    return base::invalid("denied calls cannot be reported with rules that do not allow sendmsg");
  const std::uint32_t by_default = action_of(rules.default_action, rules.default_error);
  const SeccompContext context(::seccomp_init(by_default));
  if (!context) return base::unsupported("libseccomp cannot make a filter for this architecture");
  // Other architectures' calls (i386 and x32 on x86-64) kill: a filter sees other numbers there.
  (void)::seccomp_attr_set(context.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  // A binary tree instead of a list: some ten comparisons a call instead of hundreds.
  (void)::seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  for (const SeccompRule& rule : rules.rules) {
    // libseccomp refuses a rule that says what the default says.
    if (action_of(rule.action, rule.error) != by_default) {
      TRY(add_rule(context.get(), rule, rules.default_action));
    }
  }
  auto program = std::make_shared<SeccompProgram>();
  program->instructions = TRY(export_program(context.get()));
  if (rules.default_action == SeccompAction::kError)
    put_unknown_first(program->instructions, newer_in(rules));
  put_refused_requests_first(program->instructions);
  if (program->instructions.size() > BPF_MAXINSNS)
    return base::invalid("the system call filter is larger than the kernel takes");
  if (denied == DeniedCalls::kReported) ask_instead_of_refusing(program->instructions);
  program->denied = denied;
  return Program(std::move(program));
}

Result<Program> compile_default_policy() {
  return compile_seccomp(default_seccomp_rules(), DeniedCalls::kAnswered);
}

std::string syscall_name(int number) {
  char* name = ::seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
  if (name == nullptr) {
    const std::string_view newer = newer_syscall_name(number);
    return newer.empty() ? "number " + std::to_string(number) : std::string(newer);
  }
  std::string text = name;
  std::free(name);  // NOLINT(cppcoreguidelines-no-malloc): libseccomp's, as its manual says
  return text;
}

std::string seccomp_compiler_version() {
  const struct scmp_version* version = ::seccomp_version();
  if (version == nullptr) return "unknown";
  return std::to_string(version->major) + "." + std::to_string(version->minor) + "." +
         std::to_string(version->micro);
}

}  // namespace stagebox::sandbox
