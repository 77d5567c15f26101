// become_worker: how a process loses its power, step by step. Each step that fails ends it, and
// then the task is never run.
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>

#include "runtime/base/files.h"
#include "runtime/base/syscalls.h"
#include "runtime/base/wait_ready.h"
#include "sandbox/fork_server/fd_message.h"
#include "sandbox/worker/worker_protocol.h"

namespace stagebox::sandbox {
namespace {

using base::Result;
using base::UniqueFd;
namespace sys = base::sys;

// Inside its user namespace, and so over nothing but the files it was given.
constexpr std::uint32_t kCapabilities = 1U << CAP_CHOWN | 1U << CAP_DAC_OVERRIDE |
                                        1U << CAP_FOWNER | 1U << CAP_FSETID | 1U << CAP_SETFCAP;

Result<void> checked(long result, const char* what) {
  if (result < 0) return base::system_error(what, static_cast<int>(-result));
  return {};
}

Result<std::vector<UniqueFd>> receive_fds(int socket, std::size_t count) {
  std::vector<UniqueFd> fds;
  while (fds.size() < count) {
    std::array<std::byte, 1> mark{};
    Message message = TRY(receive_message(socket, mark));
    if (message.closed || message.fds.empty()) return base::system_error("receive", EBADMSG);
    for (UniqueFd& fd : message.fds) fds.push_back(std::move(fd));
  }
  return fds;
}

// What the user exported into our environment (tokens, passwords) is not for it.
void forget_environment() {
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    ::explicit_bzero(*entry, std::strlen(*entry));
  }
  (void)::clearenv();
}

Result<void> enter_namespaces(const UniqueFd& user_namespace, bool deny_setgroups) {
  if (::setns(user_namespace.get(), CLONE_NEWUSER) != 0) {
    return base::errno_error("enter the worker's user namespace");
  }
  TRY(checked(sys::setresgid(0), "become root of the worker's user namespace"));
  if (!deny_setgroups) TRY(checked(sys::setgroups(0, nullptr), "drop the groups"));
  TRY(checked(sys::setresuid(0), "become root of the worker's user namespace"));
  constexpr int kNamespaces =
      CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
  if (::unshare(kNamespaces) != 0) return base::errno_error("make the worker's namespaces");
  return {};
}

// The root is an empty directory that cannot be written to.
Result<void> leave_all_files() {
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return base::errno_error("make the worker's mounts private");
  }
  const UniqueFd fs(sys::fsopen("tmpfs"));
  if (!fs) return base::system_error("open a tmpfs", -fs.get());
  TRY(checked(sys::fsconfig(fs.get(), FSCONFIG_SET_STRING, "mode", "0555", 0), "set up a tmpfs"));
  TRY(checked(sys::fsconfig(fs.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0), "make a tmpfs"));
  const UniqueFd root(sys::fsmount(
      fs.get(), MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
  if (!root) return base::system_error("mount a tmpfs", -root.get());
  TRY(checked(sys::move_mount(root.get(), "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH),
              "mount the worker's root"));
  if (::fchdir(root.get()) != 0) return base::errno_error("enter the worker's root");
  TRY(checked(sys::pivot_root(".", "."), "enter the worker's root"));
  if (::umount2(".", MNT_DETACH) != 0) return base::errno_error("leave the host's files");
  return {};
}

Result<void> limit(int resource, std::uint64_t value, std::uint64_t most) {
  const struct rlimit both{value, most};
  return checked(sys::call(SYS_prlimit64, 0, resource, &both, nullptr), "set a worker's limit");
}

Result<void> limit(int resource, std::uint64_t value) { return limit(resource, value, value); }

void end_at_limit(int /*signal*/) { ::_exit(1); }

Result<void> set_limits(const WorkerStart& start) {
#if !defined(__SANITIZE_ADDRESS__)  // which reserves terabytes of address space
  TRY(limit(RLIMIT_AS, start.memory_bytes));
#endif
  // So that it looks like no process that somebody killed: pid 1 is spared a signal that it does
  // not handle.
  if (::signal(SIGXCPU, end_at_limit) == SIG_ERR) return base::errno_error("handle a signal");
  TRY(limit(RLIMIT_CPU, start.cpu_seconds, start.cpu_seconds + 1));
  TRY(limit(RLIMIT_FSIZE, start.file_bytes));
  return limit(RLIMIT_CORE, 0);
}

Result<void> drop_capabilities() {
  for (unsigned long capability = 0; capability < 64; ++capability) {
    if (capability < 32 && (kCapabilities >> capability & 1U) != 0) continue;
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0) continue;
    if (errno == EINVAL) break;  // past the last capability of this kernel
    return base::errno_error("drop a capability");
  }
  struct __user_cap_header_struct header{};
  header.version = _LINUX_CAPABILITY_VERSION_3;
  std::array<struct __user_cap_data_struct, 2> data{};
  data[0].effective = data[0].permitted = kCapabilities;
  TRY(checked(sys::call(SYS_capset, &header, data.data()), "drop the capabilities"));
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return base::errno_error("no_new_privs");
  return {};
}

// Only what the task was given. Not even standard error: what a worker writes there would reach a
// terminal as it is.
Result<void> close_others(const std::vector<UniqueFd>& fds, const UniqueFd& socket) {
  std::vector<bool> kept(3, false);
#if defined(__SANITIZE_ADDRESS__)  // whose findings go there
  kept[2] = true;
#endif
  const auto keep = [&](int fd) {
    if (kept.size() <= static_cast<std::size_t>(fd)) kept.resize(static_cast<std::size_t>(fd) + 1);
    kept[static_cast<std::size_t>(fd)] = true;
  };
  for (const UniqueFd& fd : fds) keep(fd.get());
  keep(socket.get());
  for (std::size_t fd = 0; fd < kept.size(); ++fd) {
    if (!kept[fd]) (void)::close(static_cast<int>(fd));
  }
  return checked(sys::close_range(static_cast<unsigned>(kept.size()), ~0U, 0), "close descriptors");
}

Result<void> run(const WorkerStart& start, UniqueFd user_namespace, const UniqueFd& socket,
                 UniqueFd parent, WorkerMain main) {
  if (start.fds > WorkerServer::kMaxFds || start.request_bytes > WorkerServer::kMaxRequestBytes) {
    return base::system_error("start a worker", EINVAL);
  }
  auto fds = TRY(receive_fds(socket.get(), start.fds));
  std::vector<std::byte> request(start.request_bytes + 1);
  const Message message = TRY(receive_message(socket.get(), request));
  if (message.size != start.request_bytes) return base::system_error("receive", EBADMSG);
  request.resize(message.size);

  forget_environment();
  TRY(enter_namespaces(user_namespace, start.deny_setgroups != 0));
  // Changing ids clears it.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return base::errno_error("follow in death");
  if (base::wait_ready(parent.get(), 0, std::chrono::milliseconds(0)))
    return base::system_error("follow in death", ESRCH);
  parent.reset();
  (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  TRY(leave_all_files());
  user_namespace.reset();
  TRY(close_others(fds, socket));
  TRY(set_limits(start));
  (void)::umask(0);
  TRY(drop_capabilities());
  TRY(confine_files(fds, start.writable));
  TRY(confine_syscalls());
  main({socket.get(), request, fds});
  return {};
}

}  // namespace

void become_worker(const WorkerStart& start, UniqueFd user_namespace, UniqueFd socket,
                   UniqueFd parent, WorkerMain main) {
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  const auto done = run(start, std::move(user_namespace), socket, std::move(parent), main);
  if (!done.ok()) {
    const std::string text = kWorkerRefusal + done.error().message;
    (void)!::write(socket.get(), text.data(), text.size());
  }
  ::_exit(done.ok() ? 0 : 1);
}

}  // namespace stagebox::sandbox
