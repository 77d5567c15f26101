#include "sandbox/fork_server/fork_server_program.h"

#include <fcntl.h>
#include <linux/memfd.h>
#include <spawn.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <span>
#include <string>

#include "runtime/base/files.h"
#include "sandbox/fork_server/fork_server_protocol.h"

// The linked program (see CMakeLists.txt), as read-only data of this one.
__asm__(
    ".pushsection .rodata\n"
    ".balign 16\n"
    "stagebox_fork_server_begin:\n"
    ".incbin \"" STAGEBOX_FORK_SERVER_PATH
    "\"\n"
    "stagebox_fork_server_end:\n"
    ".popsection\n");
extern "C" {
extern const std::byte stagebox_fork_server_begin;
extern const std::byte stagebox_fork_server_end;
}

namespace stagebox::sandbox {
namespace {

using base::Result;
using base::UniqueFd;

#ifndef MFD_EXEC
constexpr unsigned MFD_EXEC = 0x0010;  // Lets go with the headers of kernel 6.3.
#endif

std::span<const std::byte> program() {
  return {&stagebox_fork_server_begin, &stagebox_fork_server_end};
}

Result<UniqueFd> make_program_file() {
  constexpr char kName[] = "stagebox-fork";
  UniqueFd file(::memfd_create(kName, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC));
  // Lets go with kernel 6.3, before which there was no MFD_EXEC and every memory file could be
  // executed.
  if (!file && errno == EINVAL) file.reset(::memfd_create(kName, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) {
    return base::unsupported("make an executable memory file: " + base::errno_text(errno) +
                             "; the sysctl vm.memfd_noexec must not be 2");
  }
  TRY(base::write_all(file.get(), program()));
  constexpr int kSeals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
  if (::fcntl(file.get(), F_ADD_SEALS, kSeals) != 0) return base::errno_error("seal a memory file");
  return file;
}

// posix_spawn(3) does not copy our memory, however much of it there is. It takes a path; the new
// process finds its own copy of the descriptor in its own /proc/self.
int spawn(const std::string& path, int socket, const sigset_t& signals, pid_t* pid) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  int error = ::posix_spawn_file_actions_init(&actions);
  if (error == 0) error = ::posix_spawnattr_init(&attributes);
  if (error != 0) return error;
  (void)::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  (void)::posix_spawnattr_setsigmask(&attributes, &signals);
  // When the numbers are the same this clears FD_CLOEXEC, as is wanted.
  error = ::posix_spawn_file_actions_adddup2(&actions, socket, kServerSocket);
  std::string name = "stagebox-fork";
  std::array<char*, 2> argv{name.data(), nullptr};
  std::array<char*, 1> environment{nullptr};
  if (error == 0)
    error =
        ::posix_spawn(pid, path.c_str(), &actions, &attributes, argv.data(), environment.data());
  (void)::posix_spawnattr_destroy(&attributes);
  (void)::posix_spawn_file_actions_destroy(&actions);
  return error;
}

}  // namespace

Result<pid_t> spawn_fork_server(int socket, const sigset_t& signals) {
  const UniqueFd made = TRY(make_program_file());
  // Above what the new process's descriptors are put on.
  const UniqueFd file(::fcntl(made.get(), F_DUPFD_CLOEXEC, kServerSocket + 1));
  if (!file) return base::errno_error("duplicate a descriptor");
  pid_t pid = -1;
  const int error = spawn("/proc/self/fd/" + std::to_string(file.get()), socket, signals, &pid);
  if (error == EACCES) {
    return base::unsupported(
        "execute a memory file: Permission denied; the sysctl vm.memfd_noexec must not be 2");
  }
  if (error != 0) return base::system_error("start the fork server", error);
  return pid;
}

}  // namespace stagebox::sandbox
