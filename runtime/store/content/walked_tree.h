// WalkedTree: what a walk found before any file was read. Plain values, internal to the store.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/store/content/content_types.h"
#include "runtime/store/content/directory_listing.h"

namespace stagebox::store {

struct WalkedDir {
  std::string name;        ///< "" for the root
  std::size_t parent = 0;  ///< index; smaller than its own, but for the root
  bool optional = false;   ///< left out when nothing is in it
  bool remembered = true;  ///< what its files hashed to may be
  DirectoryListing listing;
};

struct WalkedFile {
  std::size_t dir = 0;  ///< index
  std::string path;     ///< from the root
  mode_t mode = 0;
  std::uint64_t size = 0;
  /// What the stat cache knows, and then what is stored.
  std::optional<Digest> digest = {};
  bool resolved = false;
  bool gone = false;  ///< since the walk: as if it had never been there
  /// Of a file that was read and stayed the same meanwhile: what it was like.
  std::unique_ptr<struct stat> fresh = {};

  [[nodiscard]] std::string name() const { return path.substr(path.rfind('/') + 1); }
};

struct WalkedTree {
  std::vector<WalkedDir> dirs;  ///< the root first
  std::vector<WalkedFile> files;
};

inline Executable executable_of(mode_t mode) {
  return (mode & S_IXUSR) != 0 ? Executable::kYes : Executable::kNo;
}

}  // namespace stagebox::store
