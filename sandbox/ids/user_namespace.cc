#include "sandbox/ids/user_namespace.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <sstream>

#include "runtime/base/files.h"
#include "runtime/base/parse_number.h"
#include "runtime/base/pipe.h"
#include "runtime/base/syscalls.h"
#include "sandbox/ids/id_map.h"
#include "sandbox/ids/id_mappings.h"

namespace stagebox::sandbox {
namespace {

using base::Result;
using base::UniqueFd;
namespace sys = base::sys;

constexpr std::size_t kMaxSubidFile = std::size_t{1} << 20;

Result<void> write_proc(const std::string& path, const std::string& content) {
  const UniqueFd file = TRY(base::open_path(path, O_WRONLY));
  const auto written = base::write_all(file.get(), content);
  if (!written.ok()) return written.error().with_context("write " + path);
  return {};
}

// newuidmap(1) and newgidmap(1) are set-uid root because only root may map ids that are not one's
// own.
[[noreturn]] void exec_mapper(const char* program, const std::string& pid, uid_t id,
                              const SubordinateRange& range) {
  const std::string own = std::to_string(id);
  const std::string first = std::to_string(range.first);
  const std::string count = std::to_string(range.count);
  ::execlp(program, program, pid.c_str(), "0", own.c_str(), "1", "1", first.c_str(), count.c_str(),
           nullptr);
  ::_exit(127);
}

// Its wait status.
Result<int> wait_for_end(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return base::errno_error("wait for a process that maps ids");
  }
  return status;
}

// Needs the capability for it over both namespaces, which who was root before has.
[[noreturn]] void write_map(const char* file, const std::string& pid, uid_t id,
                            const SubordinateRange& range) {
  const std::string map = "0 " + std::to_string(id) + " 1\n1 " + std::to_string(range.first) + " " +
                          std::to_string(range.count) + "\n";
  ::_exit(write_proc("/proc/" + pid + "/" + file, map).ok() ? 0 : 1);
}

// The two kinds of ids.
struct MapKind {
  const char* program;
  const char* file;
};
constexpr MapKind kUsers{"newuidmap", "uid_map"};
constexpr MapKind kGroups{"newgidmap", "gid_map"};

// A helper outside of the new namespace that waits until we are in it and then maps our ids.
struct Mapper {
  pid_t pid = -1;
  UniqueFd go;
};

Result<Mapper> fork_mapper(const MapKind& kind, MapWriter writer, uid_t id,
                           const SubordinateRange& range) {
  auto [read_end, write_end] = TRY(base::make_pipe());
  const std::string target = std::to_string(::getpid());
  const pid_t pid = ::fork();
  if (pid < 0) return base::errno_error("fork");
  if (pid == 0) {
    write_end.reset();
    char go = 0;
    if (::read(read_end.get(), &go, 1) != 1) ::_exit(1);
    if (writer == MapWriter::kOurselves) write_map(kind.file, target, id, range);
    exec_mapper(kind.program, target, id, range);
  }
  return Mapper{pid, std::move(write_end)};
}

std::string why_refused(const MapKind& kind, MapWriter writer) {
  if (writer == MapWriter::kOurselves)
    return std::string(
               "this process may not give the ids of its own user namespace to one below "
               "it (") +
           kind.file + "): it needs the capabilities SETUID and SETGID there";
  return std::string(kind.program) +
         " refused to map the subordinate ids; see /etc/subuid and /etc/subgid";
}

Result<void> finish_mapper(Mapper mapper, const MapKind& kind, MapWriter writer) {
  TRY(base::write_all(mapper.go.get(), "g"));
  const int status = TRY(wait_for_end(mapper.pid));
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
    return base::unsupported(std::string(kind.program) +
                             " is not installed; install the package uidmap");
  return base::unsupported(why_refused(kind, writer));
}

Result<void> unshare_user_and_mounts() {
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0) return {};
  const int error = errno;
  base::Error result = base::unsupported(
      "create a user namespace: " + base::errno_text(error) +
      "; the machine forbids it to ordinary users (sysctl user.max_user_namespaces, "
      "kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns)");
  result.errno_value = error;
  return result;
}

Result<void> map_single_id(uid_t uid, gid_t gid) {
  TRY(write_proc("/proc/self/setgroups", "deny"));
  TRY(write_proc("/proc/self/uid_map", "0 " + std::to_string(uid) + " 1"));
  return write_proc("/proc/self/gid_map", "0 " + std::to_string(gid) + " 1");
}

}  // namespace

std::optional<SubordinateRange> find_subordinate_range(const std::string& file,
                                                       const std::string& user, uid_t uid) {
  const auto content = base::read_file(file, kMaxSubidFile);
  if (!content.ok()) return std::nullopt;
  std::optional<SubordinateRange> best;
  std::istringstream lines(*content);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first_colon = line.find(':');
    const std::size_t second_colon = line.find(':', first_colon + 1);
    if (first_colon == std::string::npos || second_colon == std::string::npos) continue;
    const std::string_view view(line);
    const std::string_view owner = view.substr(0, first_colon);
    if (owner != user && owner != std::to_string(uid)) continue;
    const auto first = base::parse_number<std::uint32_t>(
        view.substr(first_colon + 1, second_colon - first_colon - 1));
    const auto count = base::parse_number<std::uint32_t>(view.substr(second_colon + 1));
    if (first && count && (!best || best->count < *count)) best = SubordinateRange{*first, *count};
  }
  return best;
}

Result<void> enter_user_namespace(uid_t uid, gid_t gid, const std::optional<SubordinateRange>& uids,
                                  const std::optional<SubordinateRange>& gids, MapWriter writer) {
  if (!uids || !gids) {
    TRY(unshare_user_and_mounts());
    return map_single_id(uid, gid);
  }
  Mapper uid_mapper = TRY(fork_mapper(kUsers, writer, uid, *uids));
  auto gid_mapper = fork_mapper(kGroups, writer, gid, *gids);
  auto result = gid_mapper.ok() ? unshare_user_and_mounts() : Result<void>(gid_mapper.error());
  if (!result.ok()) {
    // End of file lets the mappers go without having done anything.
    uid_mapper.go.reset();
    (void)::waitpid(uid_mapper.pid, nullptr, 0);
    if (gid_mapper.ok()) {
      gid_mapper->go.reset();
      (void)::waitpid(gid_mapper->pid, nullptr, 0);
    }
    return result;
  }
  auto mapped_uids = finish_mapper(std::move(uid_mapper), kUsers, writer);
  auto mapped_gids = finish_mapper(std::move(*gid_mapper), kGroups, writer);
  TRY(std::move(mapped_uids));
  TRY(std::move(mapped_gids));
  if (sys::setresgid(0) < 0 || sys::setresuid(0) < 0)
    return base::errno_error("become root of the user namespace");
  if (::setgroups(0, nullptr) != 0) return base::errno_error("drop supplementary groups");
  return {};
}

namespace {

enum class Dumpable { kAsItIs, kBecome };

[[noreturn]] void hold_namespace(pid_t parent, Dumpable dumpable) {
  // It has a copy of every descriptor, the fork server's socket among them: were it to outlive us,
  // the fork server would never see that we are gone.
  (void)sys::call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
  // The files in /proc of an undumpable process, which we are, belong to the host's root: an
  // ordinary user could not write the map.
  if (dumpable == Dumpable::kBecome) (void)sys::call(SYS_prctl, PR_SET_DUMPABLE, 1);
  // Closes the pipe, too: the parent goes on.
  (void)sys::close_range(0, ~0U, 0);
  // The signal comes only if the parent was alive when we asked for it.
  if (sys::call(SYS_getppid) != parent) ::_exit(0);
  for (;;) (void)sys::call(SYS_pause);
}

void wait_for_end_of_file(const UniqueFd& read_end) {
  char byte = 0;
  while (::read(read_end.get(), &byte, 1) < 0 && errno == EINTR) {
  }
}

}  // namespace

Result<pid_t> fork_namespace_holder() {
  auto [read_end, write_end] = TRY(base::make_pipe());
  const pid_t parent = ::getpid();
  struct clone_args args{};
  args.flags = CLONE_NEWUSER;
  args.exit_signal = SIGCHLD;
  const long pid = sys::clone3(&args);
  if (pid < 0) return base::system_error("create a user namespace", static_cast<int>(-pid));
  if (pid == 0) hold_namespace(parent, Dumpable::kBecome);
  write_end.reset();
  wait_for_end_of_file(read_end);
  return static_cast<pid_t>(pid);
}

namespace {

// A few calls of our own and of libc's syscall().
using HolderStack = std::array<std::byte, std::size_t{32} << 10>;

int hold_namespace_in_our_memory(void* parent) {
  hold_namespace(*static_cast<const pid_t*>(parent), Dumpable::kAsItIs);
}

// The same as fork_namespace_holder() without a copy of our memory, of which each page that we
// touch afterwards would cost a fault. For root, who can write the map of an undumpable process:
// with the memory this one would become dumpable, too. `stack` is its own until it is reaped.
Result<pid_t> clone_namespace_holder(HolderStack& stack) {
  auto [read_end, write_end] = TRY(base::make_pipe());
  pid_t parent = ::getpid();
  const pid_t pid = ::clone(hold_namespace_in_our_memory, stack.data() + stack.size(),
                            CLONE_VM | CLONE_NEWUSER | SIGCHLD, &parent);
  if (pid < 0) return base::errno_error("create a user namespace");
  write_end.reset();
  wait_for_end_of_file(read_end);
  return pid;
}

// `pid` is that of its holder, which is not needed any more then.
Result<UniqueFd> take_with_maps(pid_t pid, const std::string& users, const std::string& groups) {
  const base::ScopeExit reap([&] {
    (void)::kill(pid, SIGKILL);
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
  });
  const std::string proc = "/proc/" + std::to_string(pid);
  TRY(write_proc(proc + "/uid_map", users));
  TRY(write_proc(proc + "/gid_map", groups));
  return base::open_path(proc + "/ns/user", O_RDONLY);
}

}  // namespace

Result<UniqueFd> make_user_namespace(const IdMap& map) {
  alignas(16) HolderStack stack;
  const pid_t pid = TRY(clone_namespace_holder(stack));
  return take_with_maps(pid, map.line(), map.line());
}

Result<UniqueFd> make_user_namespace(const IdMappings& mappings) {
  alignas(16) HolderStack stack;
  const pid_t pid = TRY(clone_namespace_holder(stack));
  return take_with_maps(pid, id_map_text(mappings.users), id_map_text(mappings.groups));
}

Result<UniqueFd> make_twin_namespace(std::uint32_t subordinates) {
  std::string map = IdMap{0, 1}.line();
  // A line may not cross the border between two lines of the parent's own map.
  if (subordinates > 0) map += "1 1 " + std::to_string(subordinates) + "\n";
  const pid_t pid = TRY(fork_namespace_holder());
  return take_with_maps(pid, map, map);
}

}  // namespace stagebox::sandbox
