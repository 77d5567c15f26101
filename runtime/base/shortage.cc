#include "runtime/base/shortage.h"

#include <algorithm>
#include <array>
#include <cerrno>

namespace stagebox::base {

bool is_shortage(int errno_value) {
  static constexpr std::array kShortages{ENOMEM, ENOSPC, EDQUOT, EAGAIN, EMFILE, ENFILE, EIO};
  return std::ranges::find(kShortages, errno_value) != kShortages.end();
}

}  // namespace stagebox::base
