#include "runtime/store/home.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>

#include "runtime/base/files.h"
#include "runtime/base/parse_number.h"
#include "runtime/base/printable.h"
#include "runtime/store/content/private_dir.h"

namespace stagebox::store {
namespace {

using base::Result;
using base::UniqueFd;

std::optional<std::string> process_env(std::string_view name) {
  // Read at start-up, before there are threads that could change it.
  const char* value = std::getenv(std::string(name).c_str());  // NOLINT(concurrency-mt-unsafe)
  return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
}

std::string variable(const HomeRequest& request, std::string_view name) {
  return request.env(name).value_or("");
}

Result<void> check_private(const std::string& path, const struct stat& status, uid_t uid) {
  const std::string shown = "the state directory " + base::printable(path);
  if (status.st_uid != uid) {
    return base::invalid(shown + " belongs to user " + std::to_string(status.st_uid) +
                         ", not to user " + std::to_string(uid) +
                         "; set STAGEBOX_HOME to a directory of your own");
  }
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return base::invalid(shown +
                         " can be written by other users; run \"chmod go-w\" on it, after "
                         "making sure that nobody has changed it");
  }
  return {};
}

/// Of how everything in the state directory lies; what is in a file or a database has a version of
/// its own. A directory without the file has 1, so that there is nothing to be made.
constexpr const char* kFormatFile = "version";
constexpr std::uint64_t kFormat = 1;
constexpr std::size_t kMaxFormatFile = 64;

Result<void> check_format(int home_fd, const std::string& path) {
  const UniqueFd file(
      ::openat(home_fd, kFormatFile, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file && errno == ENOENT) return {};
  const std::string where = base::printable(path + "/" + kFormatFile);
  if (!file) return base::errno_error("open " + where);
  auto text = base::read_all(file.get(), kMaxFormatFile);
  if (!text.ok() && text.error().kind == base::ErrorKind::kSystem)
    return text.error().with_context(where);
  if (text.ok() && text->ends_with('\n')) text->pop_back();
  const auto format = base::parse_number<std::uint64_t>(text.ok() ? *text : "");
  if (!format || *format == 0)
    return base::corrupt(where +
                         " does not say the version of the state directory; set "
                         "STAGEBOX_HOME to another directory, or restore it");
  if (*format <= kFormat) return {};
  return base::unsupported("the state directory " + base::printable(path) + " has version " +
                           std::to_string(*format) + ", but this Stagebox knows only up to " +
                           std::to_string(kFormat) +
                           "; use the newer Stagebox that wrote it, or set STAGEBOX_HOME to "
                           "another directory");
}

}  // namespace

HomeRequest HomeRequest::of_process() { return {process_env, ::geteuid()}; }

Result<std::string> Home::resolve(const HomeRequest& request) {
  if (std::string own = variable(request, "STAGEBOX_HOME"); !own.empty()) {
    if (own.front() == '/') return own;
    return base::invalid("STAGEBOX_HOME is " + base::printable(own) +
                         "; it must be an absolute path");
  }
  if (request.uid == 0) return std::string("/var/lib/stagebox");
  if (const std::string data = variable(request, "XDG_DATA_HOME"); data.starts_with('/')) {
    return data + "/stagebox";
  }
  if (const std::string home = variable(request, "HOME"); home.starts_with('/')) {
    return home + "/.local/share/stagebox";
  }
  return base::invalid(
      "there is no place for the state directory: set STAGEBOX_HOME, XDG_DATA_HOME or HOME to an "
      "absolute path");
}

Result<Home> Home::open(const HomeRequest& request) {
  const std::string path = TRY(resolve(request));
  auto made = base::make_dirs(path, 0700);
  if (!made.ok()) return made.error().with_context("create the state directory");
  UniqueFd fd = TRY(base::open_path(path, O_RDONLY | O_DIRECTORY));
  const struct stat status = TRY(base::stat_fd(fd.get()));
  TRY(check_private(path, status, request.uid));
  TRY(check_format(fd.get(), path));
  return Home(std::move(fd), path);
}

std::optional<std::uint64_t> Home::disk_size(std::string path) {
  struct statvfs status{};
  while (::statvfs(path.c_str(), &status) != 0) {
    const std::size_t slash = path.rfind('/');
    if (errno != ENOENT || path == "/" || slash == std::string::npos) return std::nullopt;
    path.resize(std::max<std::size_t>(slash, 1));
  }
  if (status.f_blocks == 0) return std::nullopt;  // File systems that do not know it say 0.
  return static_cast<std::uint64_t>(status.f_blocks) * status.f_frsize;
}

Result<UniqueFd> Home::subdirectory(const std::string& name) const {
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos) {
    return base::invalid(base::printable(name) + " is not the name of a subdirectory");
  }
  return open_private_dir(fd_.get(), name);
}

}  // namespace stagebox::store
