#include "sandbox/ids/user_counts.h"

#include <sys/resource.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "runtime/base/parse_number.h"
#include "sandbox/cgroup/cgroup_files.h"

namespace stagebox::sandbox {
namespace {

constexpr std::uint64_t kParts = 4;
constexpr std::uint64_t kPartsOfAll = 3;

struct Count {
  const char* of_namespace;  ///< Below /proc/sys/user.
  const char* of_machine;    ///< Below /proc/sys/fs/inotify: what each user is given.
  std::uint64_t usual;       ///< Where that cannot be read.
};
constexpr Count kInstances{"max_inotify_instances", "max_user_instances", 128};
constexpr Count kWatches{"max_inotify_watches", "max_user_watches", 8192};

std::uint64_t given_to_user(const Count& count) {
  const std::string text = read_or_empty(std::string("/proc/sys/fs/inotify/") + count.of_machine);
  const std::string_view digits = std::string_view(text).substr(0, text.find('\n'));
  return base::parse_number<std::uint64_t>(digits).value_or(count.usual);
}

std::uint64_t one_part(const Count& count) {
  return std::max<std::uint64_t>(given_to_user(count) / kParts, 1);
}

std::uint64_t parts_of_all(std::uint64_t given) { return given / kParts * kPartsOfAll; }

}  // namespace

void lower_limits_of_user() {
  for (const auto resource : {RLIMIT_SIGPENDING, RLIMIT_MSGQUEUE}) {
    struct rlimit own{};
    if (::getrlimit(resource, &own) != 0 || own.rlim_cur == RLIM_INFINITY) continue;
    own.rlim_cur = parts_of_all(own.rlim_cur);
    (void)::setrlimit(resource, &own);
  }
}

void bound_user_counts() {
  for (const Count& count : {kInstances, kWatches})
    (void)write_value("/proc/sys/user", count.of_namespace,
                      std::to_string(parts_of_all(given_to_user(count))));
}

UserCounts part_of_user_counts() {
  static const UserCounts part{one_part(kInstances), one_part(kWatches)};
  return part;
}

}  // namespace stagebox::sandbox
