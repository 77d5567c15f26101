#include "runtime/logs/log_reader.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "runtime/base/files.h"
#include "runtime/logs/log_archive.h"
#include "runtime/logs/log_marks.h"

namespace stagebox::logs {

using base::Result;

Result<LogReader> LogReader::open(const std::string& path) {
  auto file = base::open_path(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!file.ok() && file.error().errno_value == ENOENT)
    return base::not_found("the log " + path + " is not there any more");
  if (!file.ok()) return file.error();
  return LogReader(TRY(open_source(std::move(*file), path)));
}

LogReader::LogReader(std::unique_ptr<LogSource> source) : source_(std::move(source)) {}

// At least `wanted` bytes in the buffer; false when there are no more of them.
Result<bool> LogReader::fill(std::size_t wanted) {
  if (buffer_end_ - buffer_begin_ >= wanted) return true;
  buffer_.resize(kBufferBytes);
  std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(buffer_begin_),
            buffer_.begin() + static_cast<std::ptrdiff_t>(buffer_end_), buffer_.begin());
  buffer_end_ -= std::exchange(buffer_begin_, 0);
  while (buffer_end_ < wanted) {
    const std::size_t got = TRY(source_->read(std::span(buffer_).subspan(buffer_end_), offset_));
    if (got == 0) return false;
    buffer_end_ += got;
    offset_ += got;
  }
  return true;
}

std::span<const std::byte> LogReader::take(std::size_t count) {
  const auto taken = std::span<const std::byte>(buffer_).subspan(buffer_begin_, count);
  buffer_begin_ += count;
  return taken;
}

std::span<const std::byte, kHeaderBytes> LogReader::header() const {
  return std::span<const std::byte>(buffer_).subspan(buffer_begin_).first<kHeaderBytes>();
}

Result<void> LogReader::find_format() {
  const bool has_header = TRY(fill(kHeaderBytes));
  const auto begin =
      std::span<const std::byte>(buffer_).subspan(buffer_begin_, buffer_end_ - buffer_begin_);
  const auto magic = std::as_bytes(std::span(kMagic)).first(std::min(kMagic.size(), begin.size()));
  if (!std::ranges::equal(begin.first(magic.size()), magic)) {
    format_ = Format::kPlain;
    return {};
  }
  if (!has_header) return {};  // being written at this moment
  const auto header_found = decode_file_header(header());
  if (!header_found) {
    state_ = LogState::kDamaged;
    return {};
  }
  if (header_found->version < 1 || header_found->version > kFormatVersion) {
    return base::unsupported("this log has format version " +
                             std::to_string(header_found->version) +
                             "; a newer Stagebox wrote it and can read it");
  }
  (void)take(kHeaderBytes);
  format_ = Format::kRecords;
  begins_ = header_found->time.wall;
  return {};
}

Result<void> LogReader::skip_to(std::int64_t wall) {
  TRY(find_format());
  // To look at an entry is to open its frame.
  if (format_ != Format::kRecords || wall <= begins_) return {};
  const std::vector<std::uint64_t> entries = source_->entries();
  std::size_t first = 0;  // The number of entries that begin too early.
  for (std::size_t count = entries.size(); count > 0;) {
    const std::size_t half = count / 2;
    const auto record = TRY(record_at(entries[first + half]));
    if (record && record->time.wall < wall) {
      first += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  if (first > 0) go_to(entries[first - 1]);
  return {};
}

Result<void> LogReader::skip_to_last(std::uint64_t bytes) {
  if (format_ == Format::kUnknown) TRY(find_format());
  if (format_ != Format::kRecords) return {};
  std::vector<LogMark> marks;
  for (const std::uint64_t entry : source_->entries()) marks.push_back({entry, entry});
  if (marks.empty()) marks = TRY(list_marks(*source_));
  if (marks.empty()) return {};
  const std::uint64_t end = marks.back().before;
  std::erase_if(
      marks, [&](const LogMark& mark) { return mark.at <= offset() || end - mark.before < bytes; });
  if (marks.empty()) return {};
  const auto record = TRY(record_at(marks.back().at));
  if (!record) return {};
  cut_ = record->between_lines;
  go_to(marks.back().at);
  return {};
}

// Nothing where there is none.
Result<std::optional<RecordHeader>> LogReader::record_at(std::uint64_t offset) {
  HeaderBytes bytes{};
  const std::size_t got = TRY(source_->read(bytes, offset));
  return got == bytes.size() ? decode_record_header(bytes) : std::nullopt;
}

void LogReader::go_to(std::uint64_t offset) {
  buffer_begin_ = buffer_end_ = 0;
  offset_ = offset;
}

Result<std::optional<Chunk>> LogReader::next_plain() {
  const bool any = TRY(fill(1));
  if (!any) {
    state_ = LogState::kWhole;
    return std::optional<Chunk>();
  }
  const std::size_t count = std::min(buffer_end_ - buffer_begin_, kMaxChunk);
  return std::optional(Chunk{RecordKind::kStdout, std::nullopt, take(count)});
}

// Whether `frame` has what a packed record may have.
bool LogReader::unpack(std::span<const std::byte> frame) {
  const auto size = content_size(frame, kMaxUnpacked);
  if (!size) return false;
  if (opener_ == nullptr) opener_ = std::make_unique<FrameOpener>();
  unpacked_.resize(*size);
  unpacked_begin_ = 0;
  return opener_->open(frame, unpacked_).ok();
}

std::optional<Chunk> LogReader::next_unpacked() {
  const auto rest = std::span<const std::byte>(unpacked_).subspan(unpacked_begin_);
  const auto record =
      rest.size() < kHeaderBytes ? std::nullopt : decode_record_header(rest.first<kHeaderBytes>());
  const bool is_sound =
      record && (record->kind == RecordKind::kStdout || record->kind == RecordKind::kStderr) &&
      record->length <= rest.size() - kHeaderBytes;
  if (!is_sound) {
    state_ = LogState::kDamaged;
    return std::nullopt;
  }
  unpacked_begin_ += kHeaderBytes + record->length;
  return Chunk{record->kind, record->time, rest.subspan(kHeaderBytes, record->length)};
}

Result<std::optional<Chunk>> LogReader::next() {
  if (format_ == Format::kUnknown && state_ == LogState::kOpen) TRY(find_format());
  if (state_ != LogState::kOpen || format_ == Format::kUnknown) return std::optional<Chunk>();
  if (format_ == Format::kPlain) return next_plain();
  if (unpacked_begin_ < unpacked_.size()) return next_unpacked();
  const bool has_header = TRY(fill(kHeaderBytes));
  if (!has_header) return std::optional<Chunk>();
  const auto record = decode_record_header(header());
  if (!record || record->kind == RecordKind::kEnd) {
    state_ = record ? LogState::kWhole : LogState::kDamaged;
    return std::optional<Chunk>();
  }
  const bool is_there = TRY(fill(kHeaderBytes + record->length));
  if (!is_there) return std::optional<Chunk>();
  (void)take(kHeaderBytes);
  const auto content = take(record->length);
  if (record->kind != RecordKind::kPacked)
    return std::optional(Chunk{record->kind, record->time, content});
  if (unpack(content)) return next_unpacked();
  state_ = LogState::kDamaged;
  return std::optional<Chunk>();
}

}  // namespace stagebox::logs
