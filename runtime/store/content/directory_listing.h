// DirectoryListing: one level of a stored tree, as a plain value, and its canonical encoding as a
// Remote Execution API `Directory` message. Pure; it knows neither files nor the store.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/store/content/content_types.h"

namespace stagebox::store {

struct FileEntry {
  std::string name;
  Digest digest;
  std::uint64_t size = 0;
  Executable executable = Executable::kNo;
  bool operator==(const FileEntry&) const = default;
};

struct DirectoryEntry {
  std::string name;
  Digest digest;
  std::uint64_t size = 0;  ///< of the `Directory` message
  bool operator==(const DirectoryEntry&) const = default;
};

struct SymlinkEntry {
  std::string name;
  std::string target;  ///< as it is, never resolved
  bool operator==(const SymlinkEntry&) const = default;
};

/// The largest `Directory` message that is read: about a million entries.
constexpr std::size_t kMaxDirectoryMessage = std::size_t{256} << 20U;

struct DirectoryListing {
  std::vector<FileEntry> files;
  std::vector<DirectoryEntry> directories;
  std::vector<SymlinkEntry> symlinks;
  bool operator==(const DirectoryListing&) const = default;

  /// The canonical bytes. Each list must be sorted by name and the names valid.
  [[nodiscard]] std::string encode() const;
  /// kCorrupt for anything that is not a `Directory`, or whose names are invalid, unsorted or
  /// doubled: messages may come from a remote cache. Node properties are ignored.
  static base::Result<DirectoryListing> decode(std::string_view message);
};

/// kInvalid for a name that a Directory cannot hold: empty, ".", "..", with a slash or a NUL, too
/// long, or not UTF-8.
base::Result<void> check_entry_name(std::string_view name);

}  // namespace stagebox::store
