#include "sandbox/user_counts.h"

#include <algorithm>
#include <string>

#include "runtime/base/files.h"
#include "runtime/base/parse_number.h"

namespace stagebox::sandbox {
namespace {

std::uint64_t a_quarter_of(const std::string& setting, std::uint64_t usual) {
  constexpr std::size_t kLongest = 32;
  constexpr std::uint64_t kParts = 4;
  const auto text = base::read_file("/proc/sys/fs/inotify/" + setting, kLongest);
  const std::string_view digits =
      text.ok() ? std::string_view(*text).substr(0, text->find('\n')) : "";
  const auto number = base::parse_number<std::uint64_t>(digits);
  return std::max<std::uint64_t>(number.value_or(usual) / kParts, 1);
}

}  // namespace

UserCounts part_of_user_counts() {
  constexpr std::uint64_t kUsualInstances = 128;
  constexpr std::uint64_t kUsualWatches = 8192;
  static const UserCounts part{a_quarter_of("max_user_instances", kUsualInstances),
                               a_quarter_of("max_user_watches", kUsualWatches)};
  return part;
}

}  // namespace stagebox::sandbox
