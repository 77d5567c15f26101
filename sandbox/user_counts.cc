#include "sandbox/user_counts.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "runtime/base/files.h"
#include "runtime/base/parse_number.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::sandbox {
namespace {

constexpr std::uint64_t kParts = 4;
constexpr std::uint64_t kPartsOfAll = 3;
constexpr std::uint64_t kUsualInstances = 128;
constexpr std::uint64_t kUsualWatches = 8192;

std::uint64_t given_to_user(const std::string& setting, std::uint64_t usual) {
  constexpr std::size_t kLongest = 32;
  const auto text = base::read_file("/proc/sys/fs/inotify/" + setting, kLongest);
  const std::string_view digits =
      text.ok() ? std::string_view(*text).substr(0, text->find('\n')) : "";
  return base::parse_number<std::uint64_t>(digits).value_or(usual);
}

std::uint64_t a_quarter_of(const std::string& setting, std::uint64_t usual) {
  return std::max<std::uint64_t>(given_to_user(setting, usual) / kParts, 1);
}

void bound(const char* count, const std::string& setting, std::uint64_t usual) {
  const base::UniqueFd file(
      ::open((std::string("/proc/sys/user/") + count).c_str(), O_WRONLY | O_CLOEXEC));
  const std::string most = std::to_string(given_to_user(setting, usual) / kParts * kPartsOfAll);
  if (file) (void)!::write(file.get(), most.data(), most.size());
}

}  // namespace

void lower_limits_of_user() {
  for (const auto resource : {RLIMIT_SIGPENDING, RLIMIT_MSGQUEUE}) {
    struct rlimit own{};
    if (::getrlimit(resource, &own) != 0 || own.rlim_cur == RLIM_INFINITY) continue;
    own.rlim_cur = own.rlim_cur / kParts * kPartsOfAll;
    (void)::setrlimit(resource, &own);
  }
}

void bound_user_counts() {
  bound("max_inotify_instances", "max_user_instances", kUsualInstances);
  bound("max_inotify_watches", "max_user_watches", kUsualWatches);
}

UserCounts part_of_user_counts() {
  static const UserCounts part{a_quarter_of("max_user_instances", kUsualInstances),
                               a_quarter_of("max_user_watches", kUsualWatches)};
  return part;
}

}  // namespace stagebox::sandbox
