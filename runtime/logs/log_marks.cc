#include "runtime/logs/log_marks.h"

#include <algorithm>
#include <optional>
#include <span>

#include "runtime/logs/log_format.h"
#include "runtime/logs/log_frame.h"

namespace stagebox::logs {
namespace {

using base::Result;

// Of a packed record the beginning of its frame is looked at, too: there it says its size.
constexpr std::size_t kFrameBegin = 18;
// Many small records at once, and little of a large one that is passed over.
constexpr std::size_t kWindow = std::size_t{4} << 10;

/// What is at any place of a source, a window at a time.
class SourceWindow {
 public:
  explicit SourceWindow(LogSource& source) : source_(source), bytes_(kWindow) {}

  /// `count` bytes, or fewer where the source ends.
  Result<std::span<const std::byte>> at(std::uint64_t offset, std::size_t count) {
    if (offset < begin_ || offset + count > begin_ + filled_) TRY(load(offset));
    const auto rest = std::span<const std::byte>(bytes_).first(filled_).subspan(offset - begin_);
    return rest.first(std::min(rest.size(), count));
  }

 private:
  Result<void> load(std::uint64_t offset) {
    begin_ = offset;
    filled_ = 0;
    while (filled_ < bytes_.size()) {
      const std::size_t got =
          TRY(source_.read(std::span(bytes_).subspan(filled_), offset + filled_));
      if (got == 0) break;
      filled_ += got;
    }
    return {};
  }

  LogSource& source_;
  std::vector<std::byte> bytes_;
  std::uint64_t begin_ = 0;
  std::size_t filled_ = 0;
};

class Marks {
 public:
  void offer(LogMark mark) {
    if (!marks_.empty() && mark.before - marks_.back().before < spacing_) return;
    marks_.push_back(mark);
    if (marks_.size() < kMostMarks) return;
    for (std::size_t i = 0; i < marks_.size() / 2; ++i) marks_[i] = marks_[2 * i];
    marks_.resize(marks_.size() / 2);
    spacing_ *= 2;
  }
  std::vector<LogMark> take() { return std::move(marks_); }

 private:
  std::vector<LogMark> marks_;
  std::uint64_t spacing_ = kMarkSpacing;
};

}  // namespace

Result<std::vector<LogMark>> list_marks(LogSource& source) {
  SourceWindow window(source);
  Marks marks;
  LogMark next{kHeaderBytes, 0};
  for (;;) {
    const auto bytes = TRY(window.at(next.at, kHeaderBytes + kFrameBegin));
    const auto record = bytes.size() < kHeaderBytes
                            ? std::nullopt
                            : decode_record_header(bytes.first<kHeaderBytes>());
    if (!record) return marks.take();
    marks.offer(next);
    std::uint64_t content = record->length;
    if (record->kind == RecordKind::kPacked)
      content = content_size(bytes.subspan(kHeaderBytes), kMaxUnpacked).value_or(content);
    next.at += kHeaderBytes + record->length;
    next.before += kHeaderBytes + content;
  }
}

}  // namespace stagebox::logs
