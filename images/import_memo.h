// ImportMemo: remembers which file gave which image, so that importing an unchanged file again
// reads none of it. It trusts the kernel's change time: a file whose times are so recent that a
// later change could leave them as they are is not remembered ("racy clean", as in git's index).
#pragma once

#include <sys/stat.h>
#include <time.h>

#include <optional>
#include <string>

#include "runtime/base/digest.h"
#include "runtime/base/result.h"

namespace stagebox::images {

/// What identifies one state of one file.
struct FileStamp {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::int64_t mtime_ns = 0;
  std::int64_t ctime_ns = 0;

  static FileStamp of(const struct stat& status);
  /// True when a change at `start` or later is sure to show.
  [[nodiscard]] bool is_settled(const struct timespec& start) const;
  bool operator==(const FileStamp&) const = default;
};

class ImportMemo {
 public:
  /// `question`: the path and everything else the answer depends on.
  ImportMemo(int memo_fd, const std::string& question);

  /// The manifest that a file with this stamp gave; nullopt when unknown.
  [[nodiscard]] std::optional<base::Digest> recall(const FileStamp& stamp) const;
  [[nodiscard]] base::Result<void> remember(const FileStamp& stamp,
                                            const base::Digest& manifest) const;

 private:
  int memo_fd_;
  std::string name_;
};

/// The manifest in a memo's text; nullopt when it is damaged.
std::optional<base::Digest> manifest_of_memo(const std::string& text);

}  // namespace stagebox::images
