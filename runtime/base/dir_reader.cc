#include "runtime/base/dir_reader.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

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

// From where `fd` stands to the end, or until `take` of an entry says no.
template <typename Take>
Result<void> for_each_entry(int fd, const Take& take) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): getdents64(2) fills what is read of it.
  alignas(struct dirent64) std::array<char, kBufferSize> buffer;
  for (;;) {
    const std::size_t size = TRY(read_entries(fd, buffer));
    if (size == 0) return {};
    for (std::size_t at = 0; at < size;) {
      const auto* entry = reinterpret_cast<const struct dirent64*>(buffer.data() + at);
      const std::string_view name(entry->d_name);
      if (name != "." && name != ".." && !take(name, entry->d_type)) return {};
      at += entry->d_reclen;
    }
  }
}

}  // namespace

Result<std::vector<std::string>> list_dir_up_to(int dir_fd, std::size_t limit) {
  std::vector<std::string> names;
  if (limit == 0) return names;
  const UniqueFd fd(::openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return errno_error("open a directory to list it");
  TRY(for_each_entry(fd.get(), [&](std::string_view name, unsigned char) {
    names.emplace_back(name);
    return names.size() < limit;
  }));
  std::ranges::sort(names);
  return names;
}

Result<std::vector<DirEntry>> list_entries(int dir_fd) {
  if (::lseek(dir_fd, 0, SEEK_SET) != 0) return errno_error("go to the beginning of a directory");
  std::vector<DirEntry> entries;
  TRY(for_each_entry(dir_fd, [&](std::string_view name, unsigned char type) {
    entries.push_back({std::string(name), type == DT_DIR});
    return true;
  }));
  return entries;
}

}  // namespace stagebox::base
