#include "runtime/store/content/walk_witness.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "runtime/base/dir_stack.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::store {
namespace {

bool is_unchanged(const WalkWitness::Dir& dir, int root_fd) {
  const base::UniqueFd fd(
      ::openat(root_fd, dir.path.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat status{};
  if (!fd || ::fstat(fd.get(), &status) != 0 || EntryStamp::of(status) != dir.stamp) return false;
  return std::ranges::all_of(dir.entries, [&](const WalkWitness::Entry& entry) {
    return ::fstatat(fd.get(), entry.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
           EntryStamp::of(status) == entry.stamp;
  });
}

}  // namespace

void WalkWitness::enter(std::string_view path, const struct stat& status) {
  spoilt_ = spoilt_ || path.size() > base::kLongestPath;
  if (spoilt_) return dirs_.clear();
  dirs_.push_back({path.empty() ? "." : std::string(path), EntryStamp::of(status), {}});
}

void WalkWitness::spoil() {
  spoilt_ = true;
  dirs_.clear();
}

void WalkWitness::see(std::size_t dir, std::string_view name, const struct stat& status) {
  if (!spoilt_) dirs_.at(dir).entries.push_back({std::string(name), EntryStamp::of(status)});
}

bool are_older_than(const std::vector<WalkWitness::Dir>& dirs, std::int64_t time) {
  return std::ranges::all_of(dirs, [time](const WalkWitness::Dir& dir) {
    return dir.stamp.is_older_than(time) &&
           std::ranges::all_of(dir.entries, [time](const WalkWitness::Entry& entry) {
             return entry.stamp.is_older_than(time);
           });
  });
}

bool are_unchanged(const std::vector<WalkWitness::Dir>& dirs, int root_fd) {
  return !dirs.empty() && std::ranges::all_of(dirs, [root_fd](const WalkWitness::Dir& dir) {
    return is_unchanged(dir, root_fd);
  });
}

}  // namespace stagebox::store
