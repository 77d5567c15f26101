#include "sandbox/disk_share.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/dir_reader.h"
#include "runtime/base/dir_stack.h"
#include "runtime/base/disk_use.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::sandbox {
namespace {

using base::UniqueFd;

// How often a tree is counted anew that was changed under our feet.
constexpr int kCounts = 3;

class Counter {
 public:
  Counter(dev_t device, const DiskSpace& enough) : device_(device), enough_(enough) {}

  // False when a directory was moved away meanwhile, so that there is no way back.
  bool add_tree(UniqueFd top) {
    if (!enter(std::move(top))) return false;
    while (!levels_.empty() && !is_enough()) {
      Level& level = levels_.back();
      if (level.next < level.entries.size()) {
        add_entry(level.entries[level.next++].name);
      } else {
        levels_.pop_back();
        if (!dirs_.pop().ok()) return false;
      }
    }
    return true;
  }

  [[nodiscard]] DiskSpace held() const { return {bytes_, static_cast<std::uint64_t>(inodes_)}; }

 private:
  struct Level {
    std::vector<base::DirEntry> entries;
    std::size_t next = 0;
  };

  bool enter(UniqueFd dir) {
    auto entries = base::list_entries(dir.get());
    if (!entries.ok() || !dirs_.push(std::move(dir)).ok()) return false;
    levels_.push_back({std::move(*entries)});
    return true;
  }

  void add_entry(const std::string& name) {
    struct stat status{};
    if (::fstatat(dirs_.top(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return;
    if (status.st_dev != device_) return;
    const bool is_dir = S_ISDIR(status.st_mode);
    const auto names = is_dir ? 1 : std::max<std::uint64_t>(status.st_nlink, 1);
    bytes_ += base::bytes_on_disk(status) / names;
    inodes_ += 1.0 / static_cast<double>(names);
    if (!is_dir) return;
    UniqueFd child(::openat(dirs_.top(), name.c_str(), base::kOpenDir));
    if (child) (void)enter(std::move(child));
  }

  [[nodiscard]] bool is_enough() const {
    return bytes_ >= enough_.bytes || inodes_ >= static_cast<double>(enough_.inodes);
  }

  dev_t device_;
  DiskSpace enough_;
  std::uint64_t bytes_ = 0;
  double inodes_ = 0;
  base::DirStack dirs_;
  std::vector<Level> levels_;
};

}  // namespace

DiskSpace held_below(int dir_fd, const DiskSpace& enough) {
  for (int count = 0; count < kCounts; ++count) {
    // One of our own: reading moves the position.
    UniqueFd top(::openat(dir_fd, ".", base::kOpenDir));
    struct stat status{};
    if (!top || ::fstat(top.get(), &status) != 0) return {};
    Counter counter(status.st_dev, enough);
    if (counter.add_tree(std::move(top))) return counter.held();
  }
  return enough;
}

}  // namespace stagebox::sandbox
