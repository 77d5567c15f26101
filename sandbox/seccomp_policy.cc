#include "sandbox/seccomp_policy.h"

#include <linux/filter.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>

#include "runtime/base/files.h"

namespace stagebox::sandbox {
namespace {

using base::Result;

constexpr std::size_t kMaxFilterBytes = std::size_t{BPF_MAXINSNS} * sizeof(sock_filter);

struct Releaser {
  void operator()(void* context) const { ::seccomp_release(context); }
};
using Context = std::unique_ptr<void, Releaser>;

base::Error failed(const std::string& what, int result) {
  return base::system_error("compile the system call filter: " + what, -result);
}

// A name this libseccomp does not know is a call this filter cannot let through: EPERM, the
// default.
int number_of(std::string_view name) {
  return ::seccomp_syscall_resolve_name(std::string(name).c_str());
}

Result<void> allow(void* context, std::string_view name) {
  const int number = number_of(name);
  if (number == __NR_SCMP_ERROR) return {};
  const int result = ::seccomp_rule_add(context, SCMP_ACT_ALLOW, number, 0);
  if (result != 0) return failed(std::string(name), result);
  return {};
}

Result<void> allow_when(void* context, std::string_view name,
                        std::initializer_list<scmp_arg_cmp> when) {
  const int result = ::seccomp_rule_add_array(context, SCMP_ACT_ALLOW, number_of(name),
                                              static_cast<unsigned>(when.size()), when.begin());
  if (result != 0) return failed(std::string(name), result);
  return {};
}

Result<void> answer(void* context, std::string_view name, int error) {
  const int number = number_of(name);
  if (number == __NR_SCMP_ERROR) return {};
  const int result =
      ::seccomp_rule_add(context, SCMP_ACT_ERRNO(static_cast<unsigned>(error)), number, 0);
  if (result != 0) return failed(std::string(name), result);
  return {};
}

// clone without any namespace flag. The kernel reads the flags as 64 bits and acts on the low 32.
Result<void> allow_plain_clone(void* context) {
  constexpr std::uint64_t kNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS |
                                        CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
  return allow_when(context, "clone", {SCMP_A0_64(SCMP_CMP_MASKED_EQ, kNamespaces, 0)});
}

// Local, IPv4, IPv6 and route queries. AF_ALG, AF_VSOCK, AF_PACKET and the exotic families are
// kernel surface. The kernel takes an int: the filter looks at the low 32 bits only.
Result<void> allow_sockets(void* context) {
  constexpr std::uint64_t kInt = 0xffffffff;
  for (const int family : {AF_UNIX, AF_INET, AF_INET6}) {
    TRY(allow_when(context, "socket",
                   {SCMP_A0_64(SCMP_CMP_MASKED_EQ, kInt, static_cast<std::uint64_t>(family))}));
  }
  constexpr std::uint64_t kNetlinkRoute = 0;
  return allow_when(context, "socket",
                    {SCMP_A0_64(SCMP_CMP_MASKED_EQ, kInt, AF_NETLINK),
                     SCMP_A2_64(SCMP_CMP_MASKED_EQ, kInt, kNetlinkRoute)});
}

// The command number is an unsigned int for the kernel, so the high half must not get one past us.
// A filter cannot say "not equal in the low half", hence: allowed when any bit outside, or any
// single bit inside, differs. Each rule lets through the commands that differ from *both* forbidden
// ones in that bit.
Result<void> allow_ioctl_but_injection(void* context) {
  static_assert((TIOCSTI ^ TIOCLINUX) == 0x0e);  // 0x5412, 0x541c: they differ in bits 1 to 3
  constexpr std::uint64_t kShared = TIOCSTI & TIOCLINUX;
  for (unsigned bit = 0; bit < 32; ++bit) {
    const std::uint64_t mask = std::uint64_t{1} << bit;
    if ((mask & (TIOCSTI ^ TIOCLINUX)) != 0) continue;
    TRY(allow_when(context, "ioctl", {SCMP_A1_64(SCMP_CMP_MASKED_EQ, mask, ~kShared & mask)}));
  }
  // The same in all common bits; then bits 1 to 3 decide.
  constexpr std::uint64_t kInt = 0xffffffff;
  for (std::uint64_t low = 0; low < 8; ++low) {
    const std::uint64_t command = (kShared & ~std::uint64_t{0x0e}) | low << 1;
    if (command == TIOCSTI || command == TIOCLINUX) continue;
    TRY(allow_when(context, "ioctl", {SCMP_A1_64(SCMP_CMP_MASKED_EQ, kInt, command)}));
  }
  return {};
}

// Running old binaries needs some personalities; the one that switches off address space
// randomisation is what debuggers ask for. READ_IMPLIES_EXEC and the others are refused.
Result<void> allow_personality(void* context) {
  for (const std::uint64_t persona :
       {0x0ULL, 0x0008ULL, 0x20000ULL, 0x20008ULL, 0x40000ULL, 0xffffffffULL}) {
    TRY(allow_when(context, "personality", {SCMP_A0_64(SCMP_CMP_EQ, persona)}));
  }
  return {};
}

Result<std::shared_ptr<const SeccompProgram>> export_program(void* context) {
  const base::UniqueFd file(::memfd_create("seccomp", MFD_CLOEXEC));
  if (!file) return base::errno_error("create a memory file");
  const int result = ::seccomp_export_bpf(context, file.get());
  if (result != 0) return failed("export", result);
  if (::lseek(file.get(), 0, SEEK_SET) < 0) return base::errno_error("rewind a memory file");
  const std::string bytes = TRY(base::read_all(file.get(), kMaxFilterBytes));
  auto program = std::make_shared<SeccompProgram>();
  program->instructions.resize(bytes.size() / sizeof(sock_filter));
  bytes.copy(reinterpret_cast<char*>(program->instructions.data()), bytes.size());
  return std::shared_ptr<const SeccompProgram>(std::move(program));
}

}  // namespace

Result<std::shared_ptr<const SeccompProgram>> compile_default_policy() {
  const Context context(::seccomp_init(SCMP_ACT_ERRNO(EPERM)));
  if (!context) return base::unsupported("libseccomp cannot make a filter for this architecture");
  // Other architectures' calls (i386 and x32 on x86-64) kill: a filter sees other numbers there.
  (void)::seccomp_attr_set(context.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  // A binary tree instead of a list: some ten comparisons a call instead of hundreds.
  (void)::seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  for (const std::string_view name : allowed_syscalls()) TRY(allow(context.get(), name));
  TRY(allow_plain_clone(context.get()));
  TRY(allow_sockets(context.get()));
  TRY(allow_ioctl_but_injection(context.get()));
  TRY(allow_personality(context.get()));
  // "Not there" makes libc and others fall back; "not permitted" would make them give up.
  for (const char* name : {"clone3", "io_uring_setup", "io_uring_enter", "io_uring_register"}) {
    TRY(answer(context.get(), name, ENOSYS));
  }
  return export_program(context.get());
}

}  // namespace stagebox::sandbox
