#include "runtime/logs/log_file.h"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace stagebox::logs {
namespace {

using base::Result;

struct iovec vector_of(std::span<const std::byte> bytes) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): writev(2) does not write to it.
  return {const_cast<std::byte*>(bytes.data()), bytes.size()};
}

// Both, over short writes.
Result<void> write_both(int fd, std::span<const std::byte> first,
                        std::span<const std::byte> second) {
  while (!first.empty() || !second.empty()) {
    const std::array<struct iovec, 2> parts{vector_of(first), vector_of(second)};
    const ssize_t count = ::writev(fd, parts.data(), static_cast<int>(parts.size()));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return base::errno_error("write");
    const auto written = static_cast<std::size_t>(count);
    const std::size_t of_first = std::min(written, first.size());
    first = first.subspan(of_first);
    second = second.subspan(written - of_first);
  }
  return {};
}

}  // namespace

Result<void> LogFile::write(std::span<const std::byte> first, std::span<const std::byte> second) {
  auto written = write_both(file_.get(), first, second);
  if (written.ok()) {
    size_ += first.size() + second.size();
    return {};
  }
  // Half a record would make what comes after it unreadable.
  (void)::ftruncate(file_.get(), static_cast<off_t>(size_.load()));
  return base::system_error("write the log " + path_, written.error().errno_value);
}

}  // namespace stagebox::logs
