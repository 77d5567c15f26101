// The proxy server's own process, and how the processes that it forks lose their powers.
#include "sandbox/network/proxy_server_process.h"

#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string_view>
#include <vector>

#include "runtime/base/syscalls.h"
#include "runtime/base/unique_fd.h"
#include "sandbox/fork_server/fd_message.h"
#include "sandbox/fork_server/inherited_fds.h"
#include "sandbox/network/proxy_session.h"

namespace stagebox::sandbox::network {
namespace {

namespace sys = base::sys;

// Nothing but ours was written here; what does not parse is not allowed, that is all.
std::vector<base::NetworkRule> parse_rules(std::string_view text) {
  std::vector<base::NetworkRule> rules;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (auto rule = base::NetworkRule::parse(text.substr(0, end)); rule.ok())
      rules.push_back(std::move(*rule));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return rules;
}

bool drop_capabilities() {
  struct __user_cap_header_struct header{};
  header.version = _LINUX_CAPABILITY_VERSION_3;
  std::array<struct __user_cap_data_struct, 2> none{};
  return sys::call(SYS_capset, &header, none.data()) == 0;
}

bool become(uid_t id) {
  return sys::setgroups(0, nullptr) == 0 && sys::setresgid(id) == 0 && sys::setresuid(id) == 0;
}

bool load_filter(const SeccompProgram& program) {
  // The kernel only reads what the pointer, which is not const, leads to.
  std::vector<sock_filter> instructions = program.instructions;
  const struct sock_fprog loaded{static_cast<unsigned short>(instructions.size()),
                                 instructions.data()};
  return sys::seccomp(SECCOMP_SET_MODE_FILTER, 0, &loaded) >= 0;
}

// What is left: the network of this machine, reading what every user may read (the resolver's
// configuration and libraries), three descriptors, and some system calls.
bool confine(const Confinement& confinement, pid_t parent) {
  const struct rlimit none{0, 0};
  bool ok = ::setrlimit(RLIMIT_CORE, &none) == 0;
  // Each process of ours can only be signalled and looked into by root.
  if (confinement.unprivileged_id) ok = ok && become(*confinement.unprivileged_id);
  ok = ok && drop_capabilities();
  ok = ok && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
  ok = ok && ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
  // Changing ids clears it, so it comes last; it helps only while the parent is alive.
  ok = ok && ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0;
  return ok && ::getppid() == parent && load_filter(*confinement.filter);
}

[[noreturn]] void become_session(std::string_view rules, std::vector<base::UniqueFd> fds,
                                 const Confinement& confinement, pid_t parent) {
  (void)::prctl(PR_SET_NAME, "stagebox-net", 0, 0, 0);
  if (!confine(confinement, parent)) ::_exit(1);
  const AllowList allowed(parse_rules(rules));
  run_session({std::move(fds[0]), std::move(fds[1]), std::move(fds[2])}, allowed);
}

}  // namespace

void serve_sessions(int socket, const Confinement& confinement) {
  (void)::setsid();
  (void)::prctl(PR_SET_NAME, "stagebox-proxy", 0, 0, 0);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE})
    (void)::signal(signal, SIG_IGN);
  // Nobody waits for the sessions: they are known by their control sockets.
  (void)::signal(SIGCHLD, SIG_IGN);
  keep_only(socket);
  const pid_t self = ::getpid();
  std::vector<std::byte> buffer(kMaxRulesText);
  for (;;) {
    auto message = receive_message(socket, buffer);
    if (!message.ok()) continue;
    if (message->closed) ::_exit(0);
    if (message->fds.size() != kSessionFds) continue;
    if (::fork() == 0) {
      ::close(socket);
      become_session({reinterpret_cast<const char*>(buffer.data()), message->size},
                     std::move(message->fds), confinement, self);
    }
  }
}

}  // namespace stagebox::sandbox::network
