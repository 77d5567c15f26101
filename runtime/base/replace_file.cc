// replace_file_at and what it can leave: see files.h.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <string_view>

#include "runtime/base/files.h"
#include "runtime/base/printable.h"

namespace stagebox::base {
namespace {

// Between the name and the number of the process that writes it.
constexpr std::string_view kFresh = ".new.";
// To write one takes moments.
constexpr std::chrono::hours kAbandonedAfter(1);

std::string attempt_to(std::string_view verb, std::string_view name) {
  return std::string(verb) + " " + printable(name);
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

Result<void> replace_file_at(int dir_fd, const std::string& name, std::string_view content,
                             unsigned mode, Durable durable) {
  const std::string fresh = name + std::string(kFresh) + std::to_string(::getpid());
  (void)::unlinkat(dir_fd, fresh.c_str(), 0);
  const UniqueFd fd(::openat(dir_fd, fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!fd) return errno_error(attempt_to("create", fresh));
  ScopeExit cleanup([&] { (void)::unlinkat(dir_fd, fresh.c_str(), 0); });
  const auto written = write_all(fd.get(), content);
  if (!written.ok()) return written.error().with_context(attempt_to("write", fresh));
  const bool now = durable == Durable::kNow;
  if (now && ::fsync(fd.get()) != 0) return errno_error(attempt_to("sync", fresh));
  if (::renameat(dir_fd, fresh.c_str(), dir_fd, name.c_str()) != 0) {
    return errno_error(attempt_to("rename to", name));
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

}  // namespace stagebox::base
