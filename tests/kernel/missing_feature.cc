#include "tests/kernel/missing_feature.h"

#include <linux/filter.h>
#include <linux/nsfs.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "runtime/base/syscalls.h"

namespace stagebox::testing {
namespace {

constexpr sock_filter load(std::size_t offset) {
  return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
}
constexpr sock_filter fail_with(int error) {
  return BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error));
}
// The lower half of an argument, on a little-endian machine.
constexpr std::size_t argument(std::size_t index) {
  return offsetof(struct seccomp_data, args) + index * sizeof(std::uint64_t);
}

void add(std::vector<sock_filter>& program, std::initializer_list<sock_filter> instructions) {
  program.insert(program.end(), instructions);
}

// `call` fails when a bit of `bits` is set in that argument (BPF_JSET), or when it is `bits`
// (BPF_JEQ).
void add_rule(std::vector<sock_filter>& program, long call, std::size_t index,
              std::uint16_t comparison, std::uint32_t bits) {
  add(program, {load(offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, 3),
                load(argument(index)),
                BPF_JUMP(static_cast<std::uint16_t>(BPF_JMP | BPF_K | comparison), bits, 0, 1),
                fail_with(EINVAL)});
}

std::vector<sock_filter> without_time_namespaces() {
  std::vector<sock_filter> program;
  add_rule(program, SYS_unshare, 0, BPF_JSET, CLONE_NEWTIME);
  add_rule(program, SYS_setns, 1, BPF_JSET, CLONE_NEWTIME);
  // Nothing in /proc can be hidden from one process; but what it is cannot be asked.
  add_rule(program, SYS_ioctl, 1, BPF_JEQ, NS_GET_NSTYPE);
  return program;
}

std::vector<sock_filter> without_call(std::uint32_t number) {
  return {load(offsetof(struct seccomp_data, nr)),
          BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1), fail_with(ENOSYS)};
}

base::Result<std::vector<sock_filter>> without(const std::string& name) {
  static const std::map<std::string, std::uint32_t> kNumbers{
      {"openat2", SYS_openat2},
      {"close_range", SYS_close_range},
      {"open_tree", SYS_open_tree},
      {"move_mount", SYS_move_mount},
      {"fsopen", SYS_fsopen},
      {"fsconfig", SYS_fsconfig},
      {"fsmount", SYS_fsmount},
      {"clone3", SYS_clone3},
      {"pidfd_open", SYS_pidfd_open},
      {"pidfd_send_signal", SYS_pidfd_send_signal},
      {"mount_setattr", SYS_mount_setattr},
      {"landlock_create_ruleset", SYS_landlock_create_ruleset}};
  if (name == "time_namespace") return without_time_namespaces();
  const auto found = kNumbers.find(name);
  if (found == kNumbers.end()) return base::invalid("no such call: " + name);
  return without_call(found->second);
}

}  // namespace

base::Result<void> hide_kernel_feature() {
  const char* name = std::getenv("STAGEBOX_TEST_MISSING");
  if (name == nullptr) return {};
  std::vector<sock_filter> filter = TRY(without(name));
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const struct sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  const int result = base::sys::seccomp(SECCOMP_SET_MODE_FILTER, 0, &program);
  if (result < 0) return base::system_error("hide a system call", -result);
  return {};
}

}  // namespace stagebox::testing
