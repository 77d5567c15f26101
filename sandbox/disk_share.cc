#include "sandbox/disk_share.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "runtime/base/dir_reader.h"
#include "runtime/base/disk_use.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::sandbox {
namespace {

using base::UniqueFd;

constexpr int kOpenDir = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr int kMaxDepth = 64;  // as many open descriptors

class Counter {
 public:
  Counter(dev_t device, const DiskSpace& enough) : device_(device), enough_(enough) {}

  void add_dir(int dir_fd, int depth) {
    const auto entries = base::list_entries(dir_fd);
    if (!entries.ok()) return;
    for (const base::DirEntry& entry : *entries) {
      if (is_enough()) return;
      add_entry(dir_fd, entry.name, depth);
    }
  }

  [[nodiscard]] DiskSpace held() const { return {bytes_, static_cast<std::uint64_t>(inodes_)}; }

 private:
  void add_entry(int dir_fd, const std::string& name, int depth) {
    struct stat status{};
    if (::fstatat(dir_fd, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return;
    if (status.st_dev != device_) return;
    const bool is_dir = S_ISDIR(status.st_mode);
    const auto names = is_dir ? 1 : std::max<std::uint64_t>(status.st_nlink, 1);
    bytes_ += base::bytes_on_disk(status) / names;
    inodes_ += 1.0 / static_cast<double>(names);
    if (!is_dir || depth >= kMaxDepth) return;
    const UniqueFd child(::openat(dir_fd, name.c_str(), kOpenDir));
    if (child) add_dir(child.get(), depth + 1);
  }

  [[nodiscard]] bool is_enough() const {
    return bytes_ >= enough_.bytes || inodes_ >= static_cast<double>(enough_.inodes);
  }

  dev_t device_;
  DiskSpace enough_;
  std::uint64_t bytes_ = 0;
  double inodes_ = 0;
};

}  // namespace

DiskSpace held_below(int dir_fd, const DiskSpace& enough) {
  // One of our own: reading moves the position.
  const UniqueFd top(::openat(dir_fd, ".", kOpenDir));
  struct stat status{};
  if (!top || ::fstat(top.get(), &status) != 0) return {};
  Counter counter(status.st_dev, enough);
  counter.add_dir(top.get(), 0);
  return counter.held();
}

}  // namespace stagebox::sandbox
