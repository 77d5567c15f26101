#include "images/import_memo.h"

#include "runtime/base/files.h"

namespace stagebox::images {
namespace {

constexpr std::size_t kLargest = 4096;
constexpr std::int64_t kNanoseconds = 1'000'000'000;
// Coarser than the time stamps of any file system in use (FAT: 2 s).
constexpr std::int64_t kRacyNanoseconds = 2 * kNanoseconds;

std::int64_t nanoseconds(const struct timespec& time) {
  return time.tv_sec * kNanoseconds + time.tv_nsec;
}

std::string text_of(const FileStamp& stamp) {
  return std::to_string(stamp.device) + " " + std::to_string(stamp.inode) + " " +
         std::to_string(stamp.size) + " " + std::to_string(stamp.mtime_ns) + " " +
         std::to_string(stamp.ctime_ns);
}

}  // namespace

FileStamp FileStamp::of(const struct stat& status) {
  return {status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size),
          nanoseconds(status.st_mtim), nanoseconds(status.st_ctim)};
}

bool FileStamp::is_settled(const struct timespec& start) const {
  const std::int64_t settled_before = nanoseconds(start) - kRacyNanoseconds;
  return mtime_ns < settled_before && ctime_ns < settled_before;
}

ImportMemo::ImportMemo(int memo_fd, const std::string& question)
    : memo_fd_(memo_fd), name_(base::Sha256::of(question).hex()) {}

std::optional<base::Digest> ImportMemo::recall(const FileStamp& stamp) const {
  const auto text = base::read_file_at(memo_fd_, name_, kLargest);
  if (!text.ok() || !text->ends_with("\n" + text_of(stamp) + "\n")) return std::nullopt;
  return manifest_of_memo(*text);
}

base::Result<void> ImportMemo::remember(const FileStamp& stamp,
                                        const base::Digest& manifest) const {
  return base::replace_file_at(memo_fd_, name_, manifest.oci() + "\n" + text_of(stamp) + "\n",
                               0600);
}

std::optional<base::Digest> manifest_of_memo(const std::string& text) {
  const auto digest = base::Digest::from_oci(text.substr(0, text.find('\n')));
  return digest.ok() ? std::optional(*digest) : std::nullopt;
}

}  // namespace stagebox::images
