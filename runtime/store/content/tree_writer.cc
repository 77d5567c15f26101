#include "runtime/store/content/tree_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/dir_stack.h"
#include "runtime/base/printable.h"
#include "runtime/store/content/blob_reader.h"

namespace stagebox::store {
namespace {

using base::Result;
using base::UniqueFd;

class TreeWriter {
 public:
  TreeWriter(const BlobFiles& files, TreeTarget& target, const WriteLimits& limits)
      : files_(files), target_(target), limits_(limits) {}

  Result<void> run(const Digest& root, UniqueFd into) {
    TRY(enter(root, std::move(into)));
    while (!frames_.empty()) {
      Frame& frame = frames_.back();
      if (frame.next < frame.directories.size()) {
        const DirectoryEntry entry = std::move(frame.directories[frame.next++]);
        TRY(descend(entry));
      } else {
        TRY(target_.finish_dir(dirs_.top()));
        TRY(dirs_.pop());
        frames_.pop_back();
      }
    }
    return {};
  }

 private:
  struct Frame {
    std::vector<DirectoryEntry> directories;
    std::size_t next = 0;
  };

  Result<void> descend(const DirectoryEntry& entry) {
    if (dirs_.depth() >= limits_.max_depth) return base::invalid("the stored tree is too deep");
    if (::mkdirat(dirs_.top(), entry.name.c_str(), target_.dir_mode()) != 0) {
      return base::errno_error("create the directory " + base::printable(entry.name));
    }
    UniqueFd dir(
        ::openat(dirs_.top(), entry.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!dir) return base::errno_error("open the directory " + base::printable(entry.name));
    return enter(entry.digest, std::move(dir));
  }

  Result<void> enter(const Digest& digest, UniqueFd dir) {
    DirectoryListing listing = TRY(read_listing(files_, digest));
    entries_ += listing.files.size() + listing.symlinks.size() + listing.directories.size();
    if (entries_ > limits_.max_entries) {
      return base::invalid("the stored tree has more than " + std::to_string(limits_.max_entries) +
                           " entries");
    }
    for (const FileEntry& file : listing.files) TRY(target_.write_file(dir.get(), file));
    for (const SymlinkEntry& link : listing.symlinks) {
      if (::symlinkat(link.target.c_str(), dir.get(), link.name.c_str()) != 0) {
        return base::errno_error("create the link " + base::printable(link.name));
      }
      TRY(target_.finish_link(dir.get(), link.name));
    }
    TRY(dirs_.push(std::move(dir)));
    frames_.push_back({std::move(listing.directories), 0});
    return {};
  }

  const BlobFiles& files_;
  TreeTarget& target_;
  const WriteLimits& limits_;
  base::DirStack dirs_;
  std::vector<Frame> frames_;
  std::uint64_t entries_ = 0;
};

}  // namespace

Result<void> write_tree(const BlobFiles& files, const Digest& root, UniqueFd into,
                        TreeTarget& target, const WriteLimits& limits) {
  return TreeWriter(files, target, limits).run(root, std::move(into));
}

}  // namespace stagebox::store
