#include "runtime/base/dir_reader.h"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <string_view>

#include "runtime/base/unique_fd.h"

namespace stagebox::base {
namespace {

constexpr std::size_t kBufferSize = std::size_t{32} << 10;  // as libc's

// getdents64(2) itself: opendir and its like make four more system calls a directory.
Result<std::size_t> read_entries(int fd, std::array<char, kBufferSize>& buffer) {
  const ssize_t size = ::getdents64(fd, buffer.data(), buffer.size());
  if (size < 0) return errno_error("list a directory");
  return static_cast<std::size_t>(size);
}

}  // namespace

Result<std::vector<std::string>> list_dir_up_to(int dir_fd, std::size_t limit) {
  const UniqueFd fd(::openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return errno_error("open a directory to list it");
  std::vector<std::string> names;
  alignas(struct dirent64) std::array<char, kBufferSize> buffer;
  while (names.size() < limit) {
    const std::size_t size = TRY(read_entries(fd.get(), buffer));
    if (size == 0) break;
    for (std::size_t at = 0; at < size && names.size() < limit;) {
      const auto* entry = reinterpret_cast<const struct dirent64*>(buffer.data() + at);
      const std::string_view name(entry->d_name);
      if (name != "." && name != "..") names.emplace_back(name);
      at += entry->d_reclen;
    }
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace stagebox::base
