#include "runtime/store/content/ignore_file.h"

#include <fcntl.h>

#include <cerrno>
#include <utility>

#include "runtime/base/files.h"

namespace stagebox::store {
namespace {

using base::Result;

/// Far more than any has; a larger one is a mistake.
constexpr std::size_t kMaxIgnoreFile = std::size_t{1} << 20U;

bool is_no_file(int error) {
  // ENOTDIR: what is above it is a file; ENXIO: a socket.
  return error == ENOENT || error == ENOTDIR || error == ELOOP || error == ENXIO;
}

}  // namespace

Result<std::optional<IgnoreFile>> read_ignore_file(int dir_fd, const std::string& path,
                                                   const std::string& shown) {
  const auto file =
      base::open_beneath(dir_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, base::Links::kRefuse);
  if (!file.ok() && is_no_file(file.error().errno_value)) return std::optional<IgnoreFile>();
  if (!file.ok()) return file.error().with_context("read " + shown);
  IgnoreFile read{TRY(base::stat_fd(file->get())), {}};
  if (!S_ISREG(read.status.st_mode)) return std::optional<IgnoreFile>();
  auto text = base::read_all(file->get(), kMaxIgnoreFile);
  if (!text.ok()) return text.error().with_context("read " + shown);
  read.text = std::move(*text);
  return std::optional<IgnoreFile>(std::move(read));
}

}  // namespace stagebox::store
