// StatCache: what the files below one input directory hashed to last time, so that an unchanged
// file is not read again. It is only ever an optimisation: a cache that is missing, damaged or of
// another version is empty, and one that cannot be written is not an error.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runtime/store/content/content_types.h"

namespace stagebox::store {

/// For one walk by one thread. Only what was found or noted in this walk is saved, in the order of
/// find(): a walk that comes to the same files in the same order finds each where it looks first.
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
  };
  /// Of the file: where its path and its entry lie in bytes_.
  struct Old {
    std::string_view path;
    std::string_view rest;  ///< The Entry, and the digest behind it.
  };
  struct Fresh {
    std::string path;
    Entry entry;
    Digest digest;
  };
  /// What this walk came to, in its order: an index of old_ or of fresh_.
  struct Seen {
    bool is_fresh = false;
    std::uint32_t index = 0;
  };

  static Entry entry_of(const struct stat& status);
  /// Fills old_ with what stands in bytes_; false when that is not a whole cache.
  bool decode();
  [[nodiscard]] std::string encode() const;
  [[nodiscard]] std::optional<std::uint32_t> find_old(std::string_view path);
  [[nodiscard]] std::string_view path_of(const Seen& seen) const;

  int dir_fd_ = -1;
  std::string file_name_;
  time_t began_ = 0;
  std::unique_ptr<const std::string> bytes_;  ///< The file; views stay where they are in a move.
  std::vector<Old> old_;                      ///< In the order of the last walk.
  std::size_t next_ = 0;                      ///< Of old_: the likeliest one.
  std::unordered_map<std::string_view, std::uint32_t> by_path_;  ///< Of old_, once it is needed.
  std::deque<Fresh> fresh_;
  std::vector<Seen> seen_;
  std::size_t noted_ = 0;  ///< Of seen_: where the next one to be noted most likely is.
  bool changed_ = false;
};

}  // namespace stagebox::store
