// StatCache: what the files below one input directory hashed to last time, so that an unchanged
// file is not read again. It is only ever an optimisation: a cache that is missing, damaged or of
// another version is empty, and one that cannot be written is not an error.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "runtime/store/content_types.h"

namespace stagebox::store {

/// For one walk by one thread. Only what was found or noted in this walk is saved.
class StatCache {
 public:
  /// `dir_fd` holds the cache files and must outlive this; `root_key` names the input directory
  /// (its absolute path).
  static StatCache load(int dir_fd, std::string_view root_key);

  /// The digest of a file whose identity, size, mode and times are still the same.
  std::optional<Digest> find(const std::string& path, const struct stat& status);
  /// Remembers a digest. `status` is from before the file was read. A file that was changed less
  /// than kRacy before the walk began is not remembered: within the clock's tick it could change
  /// again without a trace.
  void note(const std::string& path, const struct stat& status, const Digest& digest);
  /// Best effort; atomic. Nothing is written when nothing changed.
  void save();

 private:
  static constexpr time_t kRacy = 2;  // seconds: also the resolution of the coarsest file systems

  struct Entry {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    std::uint64_t mode = 0;
    std::int64_t mtime_sec = 0;
    std::int64_t mtime_nsec = 0;
    std::int64_t ctime_sec = 0;
    std::int64_t ctime_nsec = 0;
    bool operator==(const Entry&) const = default;
  };
  struct Known {
    Entry entry;
    Digest digest;
  };
  using Map = std::unordered_map<std::string, Known>;

  static Entry entry_of(const struct stat& status);
  static std::string encode(const Map& map);
  static Map decode(std::string_view bytes);

  int dir_fd_ = -1;
  std::string file_name_;
  time_t began_ = 0;
  Map old_;
  Map seen_;
  bool changed_ = false;
};

}  // namespace stagebox::store
