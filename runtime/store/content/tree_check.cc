#include "runtime/store/content/tree_check.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/dir_stack.h"
#include "runtime/base/files.h"
#include "runtime/store/content/blob_reader.h"

namespace stagebox::store {
namespace {

using base::Result;
using base::UniqueFd;

bool looks_so(const struct stat& status, mode_t type, mode_t mode) {
  return (status.st_mode & S_IFMT) == type && (status.st_mode & 07777U) == mode &&
         status.st_mtim.tv_sec == kStoredTime && status.st_mtim.tv_nsec == 0;
}

class TreeCheck {
 public:
  TreeCheck(const BlobFiles& files, const TreeModes& modes) : files_(files), modes_(modes) {}

  Result<bool> run(const Digest& root, UniqueFd dir) {
    bool same = TRY(enter(root, std::move(dir)));
    while (same && !frames_.empty()) {
      Frame& frame = frames_.back();
      if (frame.next < frame.directories.size()) {
        const DirectoryEntry entry = std::move(frame.directories[frame.next++]);
        same = TRY(descend(entry));
      } else {
        frames_.pop_back();
        TRY(dirs_.pop());
      }
    }
    return same;
  }

 private:
  struct Frame {
    std::vector<DirectoryEntry> directories;
    std::size_t next = 0;
  };

  Result<bool> descend(const DirectoryEntry& entry) {
    UniqueFd dir(::openat(dirs_.top(), entry.name.c_str(), base::kOpenDir));
    if (!dir) return false;
    return enter(entry.digest, std::move(dir));
  }

  Result<bool> enter(const Digest& digest, UniqueFd dir) {
    DirectoryListing listing = TRY(read_listing(files_, digest));
    const struct stat status = TRY(base::stat_fd(dir.get()));
    if (!looks_so(status, S_IFDIR, modes_.directory)) return false;
    const std::size_t count =
        listing.files.size() + listing.symlinks.size() + listing.directories.size();
    // Each entry is looked at by its name below; so nothing else is there when the number is right.
    const auto names = TRY(base::list_dir(dir.get()));
    if (names.size() != count) return false;
    for (const FileEntry& file : listing.files) {
      const bool same = TRY(check_file(dir.get(), file));
      if (!same) return false;
    }
    for (const SymlinkEntry& link : listing.symlinks) {
      if (!check_symlink(dir.get(), link)) return false;
    }
    TRY(dirs_.push(std::move(dir)));
    frames_.push_back({std::move(listing.directories), 0});
    return true;
  }

  [[nodiscard]] Result<bool> check_file(int dir_fd, const FileEntry& entry) const {
    struct stat status{};
    if (::fstatat(dir_fd, entry.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return false;
    const bool executable = entry.executable == Executable::kYes;
    if (!looks_so(status, S_IFREG, executable ? modes_.executable : modes_.file)) return false;
    if (static_cast<std::uint64_t>(status.st_size) != entry.size) return false;
    return files_.is_intact(dir_fd, entry.name, status, entry.digest);
  }

  static bool check_symlink(int dir_fd, const SymlinkEntry& link) {
    std::string target(PATH_MAX, '\0');
    const ssize_t length = ::readlinkat(dir_fd, link.name.c_str(), target.data(), target.size());
    return length >= 0 &&
           std::string_view(target).substr(0, static_cast<std::size_t>(length)) == link.target;
  }

  const BlobFiles& files_;
  const TreeModes& modes_;
  base::DirStack dirs_;
  std::vector<Frame> frames_;
};

}  // namespace

Result<bool> is_intact_tree(const BlobFiles& files, const Digest& root, UniqueFd dir,
                            const TreeModes& modes) {
  return TreeCheck(files, modes).run(root, std::move(dir));
}

}  // namespace stagebox::store
