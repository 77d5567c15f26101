// The size of a terminal's window. Ask each time: windows change their size.
#pragma once

#include <sys/ioctl.h>

#include <optional>

namespace stagebox::cli {

/// None: it is no terminal, or one that does not know its columns. Rows may still be 0.
inline std::optional<struct winsize> window_size(int fd) {
  struct winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return std::nullopt;
  return size;
}

}  // namespace stagebox::cli
