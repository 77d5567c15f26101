#include "runtime/base/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <limits>
#include <memory>
#include <system_error>

#include "runtime/base/dir_reader.h"
#include "runtime/base/syscalls.h"

namespace stagebox::base {
namespace {

// Between the name and the number of the process that writes it.
constexpr std::string_view kFresh = ".new.";
// To write one takes moments.
constexpr std::chrono::hours kAbandonedAfter(1);

std::string quoted(std::string_view verb, std::string_view name) {
  return std::string(verb) + " \"" + std::string(name) + "\"";
}

// What could not be written: callers seldom have a name for it, and whoever has to make room needs
// to know where. A file without a name is told by its directory.
Error write_error(int fd) {
  const int error = errno;
  if (error != ENOSPC && error != EDQUOT) return system_error("write", error);
  auto path = path_of(fd);
  if (!path.ok()) return system_error("write", error);
  constexpr std::string_view kNameless = " (deleted)";
  if (!path->ends_with(kNameless)) return system_error(quoted("write", *path), error);
  return system_error(quoted("write a file in", path->substr(0, path->rfind('/'))), error);
}

bool is_fresh(std::string_view name) {
  const std::size_t at = name.rfind(kFresh);
  if (at == std::string_view::npos) return false;
  const std::string_view process = name.substr(at + kFresh.size());
  return !process.empty() && process.find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_abandoned(const struct stat& status) {
  const auto written = std::chrono::system_clock::from_time_t(status.st_mtim.tv_sec);
  return std::chrono::system_clock::now() - written > kAbandonedAfter;
}

}  // namespace

Result<UniqueFd> open_path(const std::string& path, int flags, unsigned mode) {
  UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC, mode));
  if (!fd) return errno_error(quoted("open", path));
  return fd;
}

Result<UniqueFd> open_beneath(int dir_fd, const std::string& path, int flags, Links links,
                              unsigned mode) {
  std::uint64_t resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  if (links == Links::kRefuse) resolve |= RESOLVE_NO_SYMLINKS;
  int fd = -EAGAIN;
  // EAGAIN: a rename raced with the lookup; the kernel asks us to try again (openat2(2)).
  for (int attempt = 0; fd == -EAGAIN && attempt < 128; ++attempt) {
    fd = sys::openat2(dir_fd, path.c_str(), flags, mode, resolve);
  }
  if (fd < 0) return system_error(quoted("open", path), -fd);
  return UniqueFd(fd);
}

Result<UniqueFd> duplicate(int fd) {
  UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (!copy) return errno_error("duplicate a descriptor");
  return copy;
}

Result<std::string> read_all(int fd, std::size_t limit) {
  std::string content;
  std::size_t used = 0;
  for (;;) {
    if (used == content.size())
      content.resize(std::min(limit + 1, std::max<std::size_t>(4096, used * 2)));
    const ssize_t count = ::read(fd, content.data() + used, content.size() - used);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_error("read");
    if (count == 0) break;
    used += static_cast<std::size_t>(count);
    if (used > limit)
      return invalid("larger than the limit of " + std::to_string(limit) + " bytes");
  }
  content.resize(used);
  return content;
}

Result<std::string> path_of(int fd) {
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), error);
  if (error) return system_error("find the path of an open file", error.value());
  return path.string();
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  return read_file_at(AT_FDCWD, path, limit);
}

Result<std::string> read_file_at(int dir_fd, const std::string& name, std::size_t limit) {
  const UniqueFd fd(::openat(dir_fd, name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return errno_error(quoted("open", name));
  auto content = read_all(fd.get(), limit);
  if (!content.ok()) return content.error().with_context(quoted("read", name));
  return content;
}

Result<void> write_all(int fd, std::span<const std::byte> data) {
  while (!data.empty()) {
    const ssize_t count = ::write(fd, data.data(), data.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return write_error(fd);
    data = data.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Result<void> write_all(int fd, std::string_view data) {
  return write_all(fd, std::as_bytes(std::span(data)));
}

Result<void> replace_file_at(int dir_fd, const std::string& name, std::string_view content,
                             unsigned mode, Durable durable) {
  const std::string fresh = name + std::string(kFresh) + std::to_string(::getpid());
  (void)::unlinkat(dir_fd, fresh.c_str(), 0);
  const UniqueFd fd(::openat(dir_fd, fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!fd) return errno_error(quoted("create", fresh));
  ScopeExit cleanup([&] { (void)::unlinkat(dir_fd, fresh.c_str(), 0); });
  const auto written = write_all(fd.get(), content);
  if (!written.ok()) return written.error().with_context(quoted("write", fresh));
  const bool now = durable == Durable::kNow;
  if (now && ::fsync(fd.get()) != 0) return errno_error(quoted("sync", fresh));
  if (::renameat(dir_fd, fresh.c_str(), dir_fd, name.c_str()) != 0) {
    return errno_error(quoted("rename to", name));
  }
  cleanup.dismiss();
  if (now && dir_fd != AT_FDCWD && ::fsync(dir_fd) != 0) return errno_error("sync a directory");
  return {};
}

Result<void> remove_abandoned_files(int dir_fd) {
  const auto names = TRY(list_dir(dir_fd));
  for (const std::string& name : names) {
    if (!is_fresh(name)) continue;
    const auto status = stat_at(dir_fd, name);
    if (status.ok() && S_ISREG(status->st_mode) && is_abandoned(*status))
      (void)::unlinkat(dir_fd, name.c_str(), 0);
  }
  return {};
}

Result<void> make_dir_at(int dir_fd, const std::string& name, unsigned mode) {
  if (::mkdirat(dir_fd, name.c_str(), mode) != 0 && errno != EEXIST) {
    return errno_error(quoted("create directory", name));
  }
  return {};
}

Result<void> make_dirs(const std::string& path, unsigned mode) {
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    TRY(make_dir_at(AT_FDCWD, path.substr(0, slash), mode));
    if (slash == std::string::npos) return {};
  }
}

Result<std::vector<std::string>> list_dir(int dir_fd) {
  return list_dir_up_to(dir_fd, std::numeric_limits<std::size_t>::max());
}

Result<struct stat> stat_at(int dir_fd, const std::string& name) {
  struct stat status{};
  if (::fstatat(dir_fd, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    return errno_error(quoted("stat", name));
  }
  return status;
}

Result<struct stat> stat_fd(int fd) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return errno_error("stat a descriptor");
  return status;
}

}  // namespace stagebox::base
