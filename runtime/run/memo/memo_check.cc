#include "runtime/run/memo/memo_check.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "runtime/base/files.h"
#include "runtime/run/memo/memo_machine.h"
#include "runtime/store/content/stored_files.h"
#include "runtime/store/content/verified_blobs.h"

namespace stagebox::run {
namespace {

using store::EntryStamp;

// Of something that may be there. No memo is made of what is as young.
constexpr EntryStamp kUnknown{.ctime_ns = std::numeric_limits<std::int64_t>::max()};

bool is_there(int dir_fd, const std::string& path, const EntryStamp& stamp) {
  struct stat status{};
  return ::fstatat(dir_fd, path.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
         EntryStamp::of(status) == stamp;
}

bool is_recent(const RunMemo& memo, const MemoClock& now) {
  const std::int64_t age = now.time - memo.clock.time;
  return age >= 0 && age < kLongestMemo && memo.clock.goes_with(now);
}

bool is_same_boot(const RunMemo& memo) {
  const auto boot = store::boot_id();
  return boot.ok() && *boot == memo.boot;
}

// The very directory, whatever else is in it by now.
base::UniqueFd open_project(const MemoPlace& project) {
  auto fd = base::open_path(project.path, O_RDONLY | O_DIRECTORY);
  if (!fd.ok() || !project.stamp) return {};
  const auto status = base::stat_fd(fd->get());
  const bool same = status.ok() && status->st_dev == project.stamp->device &&
                    status->st_ino == project.stamp->inode;
  return same ? std::move(*fd) : base::UniqueFd();
}

bool is_unchanged(const MemoWalk& walk, int project_fd) {
  const auto root = base::open_beneath(project_fd, walk.path, O_RDONLY | O_DIRECTORY | O_NOCTTY,
                                       base::Links::kFollowBeneath);
  return root.ok() && store::are_unchanged(walk.dirs, root->get());
}

bool are_stored(const std::vector<MemoBlob>& blobs, int home_fd) {
  return std::ranges::all_of(blobs, [home_fd](const MemoBlob& blob) {
    return is_there(home_fd, store::stored_file_path(blob.digest, blob.executable), blob.stamp);
  });
}

}  // namespace

std::optional<EntryStamp> stamp_at(const MemoPlace& place, int project_fd) {
  struct stat status{};
  if (place.root == MemoPlace::Root::kHost) {
    if (::stat(place.path.c_str(), &status) == 0) return EntryStamp::of(status);
    const bool nothing = errno == ENOENT || errno == ENOTDIR;
    return nothing ? std::nullopt : std::optional(kUnknown);
  }
  const base::Links links =
      place.root == MemoPlace::Root::kProject ? base::Links::kFollowBeneath : base::Links::kRefuse;
  const auto fd = base::open_beneath(project_fd, place.path, O_PATH, links);
  if (!fd.ok() || ::fstat(fd->get(), &status) != 0) return std::nullopt;
  return EntryStamp::of(status);
}

bool still_holds(const RunMemo& memo, const std::string& question, const MemoClock& now,
                 int home_fd) {
  if (memo.question != question || !is_recent(memo, now) || !is_same_boot(memo)) return false;
  if (!memo.machine.empty() && memo.machine != machine_text()) return false;
  const base::UniqueFd project = open_project(memo.project);
  if (!project) return false;
  const auto same = [&project](const MemoPlace& place) {
    return stamp_at(place, project.get()) == place.stamp;
  };
  const auto there = [home_fd](const MemoStateFile& file) {
    return is_there(home_fd, file.path, file.stamp);
  };
  const auto walked = [&project](const MemoWalk& walk) {
    return is_unchanged(walk, project.get());
  };
  return std::ranges::all_of(memo.places, same) && std::ranges::all_of(memo.walks, walked) &&
         std::ranges::all_of(memo.state_files, there) && are_stored(memo.blobs, home_fd);
}

}  // namespace stagebox::run
