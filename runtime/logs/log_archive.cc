#include "runtime/logs/log_archive.h"

#include <fcntl.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "runtime/base/files.h"
#include "runtime/logs/log_format.h"
#include "runtime/logs/seek_table.h"

namespace stagebox::logs {
namespace {

using base::Result;
using base::UniqueFd;

// Large enough that compression loses nothing, small enough to be cheap to begin in.
constexpr std::uint64_t kFrameBytes = std::uint64_t{1} << 20;
// 1: half of what 3 takes of the processor, and a tenth larger.
constexpr int kLevel = 1;

base::Error zstd_error(const std::string& attempted, std::size_t code) {
  return {base::ErrorKind::kSystem, 0, attempted + ": " + ZSTD_getErrorName(code)};
}

// Reads all of `into` from `offset` on; an error when the file ends before.
Result<void> read_exactly(LogSource& source, std::span<std::byte> into, std::uint64_t offset) {
  while (!into.empty()) {
    const std::size_t got = TRY(source.read(into, offset));
    if (got == 0) return base::corrupt("a log became shorter while it was read");
    into = into.subspan(got);
    offset += got;
  }
  return {};
}

// A log in the pieces that frames are made of, each byte of it read once: whole records, together
// at least kFrameBytes, as far as records can be read; whatever follows is kept all the same.
class FrameCutter {
 public:
  FrameCutter(LogSource& source, std::uint64_t size)
      : source_(source), size_(size), buffer_(kFrameBytes + kHeaderBytes + kMaxChunk) {}

  /// The next piece, until the next call; empty at the end.
  Result<std::span<const std::byte>> next() {
    TRY(fill());
    taken_ = end_of_piece();
    return std::span<const std::byte>(buffer_).first(taken_);
  }

 private:
  Result<void> fill() {
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(taken_),
              buffer_.begin() + static_cast<std::ptrdiff_t>(filled_), buffer_.begin());
    filled_ -= std::exchange(taken_, 0);
    const auto more = std::span(buffer_).subspan(
        filled_, std::min<std::uint64_t>(buffer_.size() - filled_, size_ - offset_));
    TRY(read_exactly(source_, more, offset_));
    offset_ += more.size();
    filled_ += more.size();
    return {};
  }

  std::size_t end_of_piece() {
    std::size_t end = 0;
    while (end < std::min<std::size_t>(kFrameBytes, filled_)) {
      const std::size_t bytes = bytes_of_header_and_content(end);
      if (bytes == 0) return filled_;
      end += bytes;
    }
    return end;
  }

  // 0: nothing there that can be read.
  std::size_t bytes_of_header_and_content(std::size_t at) {
    const auto rest = std::span<const std::byte>(buffer_).subspan(at, filled_ - at);
    if (rest.size() < kHeaderBytes) return 0;
    const auto header = rest.first<kHeaderBytes>();
    if (!std::exchange(has_begun_, true)) {
      is_readable_ = decode_file_header(header).has_value();
      return is_readable_ ? kHeaderBytes : 0;
    }
    const auto record = is_readable_ ? decode_record_header(header) : std::nullopt;
    if (!record || rest.size() - kHeaderBytes < record->length) return 0;
    return kHeaderBytes + record->length;
  }

  LogSource& source_;
  std::uint64_t size_;
  std::vector<std::byte> buffer_;
  std::size_t filled_ = 0;
  std::size_t taken_ = 0;     ///< Of what is filled, by the last piece.
  std::uint64_t offset_ = 0;  ///< Of the end of what is filled.
  bool has_begun_ = false;
  bool is_readable_ = false;
};

class ArchiveWriter {
 public:
  explicit ArchiveWriter(int into) : into_(into) {
    (void)ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, kLevel);
    (void)ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1);
  }

  Result<void> add_frame(std::span<const std::byte> content) {
    compressed_.resize(ZSTD_compressBound(content.size()));
    const std::size_t size = ZSTD_compress2(context_.get(), compressed_.data(), compressed_.size(),
                                            content.data(), content.size());
    if (ZSTD_isError(size) != 0) return zstd_error("compress a log", size);
    next_.length = static_cast<std::uint32_t>(content.size());
    next_.size = static_cast<std::uint32_t>(size);
    TRY(base::write_all(into_, std::span<const std::byte>(compressed_).first(size)));
    frames_.push_back(next_);
    next_.at += next_.size;
    next_.content += next_.length;
    return {};
  }
  Result<void> finish() { return base::write_all(into_, encode_seek_table(frames_)); }

 private:
  int into_;
  std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> context_{ZSTD_createCCtx(),
                                                                   ZSTD_freeCCtx};
  std::vector<std::byte> compressed_;
  std::vector<SeekFrame> frames_;
  SeekFrame next_;
};

Result<void> compress(LogSource& log, std::uint64_t size, int into) {
  FrameCutter cutter(log, size);
  ArchiveWriter writer(into);
  for (;;) {
    const auto piece = TRY(cutter.next());
    if (piece.empty()) return writer.finish();
    TRY(writer.add_frame(piece));
  }
}

class ArchiveSource final : public LogSource {
 public:
  ArchiveSource(UniqueFd file, const std::string& path, std::vector<SeekFrame> frames)
      : file_(file_source(std::move(file), path)), path_(path), frames_(std::move(frames)) {}

  Result<std::size_t> read(std::span<std::byte> into, std::uint64_t offset) override {
    const auto after = std::ranges::upper_bound(frames_, offset, {}, &SeekFrame::content);
    if (after == frames_.begin()) return std::size_t{0};
    const SeekFrame& frame = *(after - 1);
    if (offset - frame.content >= frame.length) return std::size_t{0};
    TRY(load(frame));
    const auto rest = std::span<const std::byte>(content_).subspan(offset - frame.content);
    const std::size_t count = std::min(rest.size(), into.size());
    std::ranges::copy(rest.first(count), into.begin());
    return count;
  }

  [[nodiscard]] std::vector<std::uint64_t> entries() const override {
    std::vector<std::uint64_t> offsets;
    for (const SeekFrame& frame : frames_) {
      if (frame.content != 0) offsets.push_back(frame.content);
    }
    return offsets;
  }

 private:
  Result<void> load(const SeekFrame& frame) {
    if (loaded_ == &frame) return {};
    loaded_ = nullptr;
    compressed_.resize(frame.size);
    content_.resize(frame.length);
    TRY(read_exactly(*file_, compressed_, frame.at));
    const std::size_t size = ZSTD_decompressDCtx(context_.get(), content_.data(), content_.size(),
                                                 compressed_.data(), compressed_.size());
    if (ZSTD_isError(size) != 0 || size != frame.length)
      return base::corrupt(
          "the compressed log " + path_ + " is damaged" +
          (ZSTD_isError(size) != 0 ? std::string(": ") + ZSTD_getErrorName(size) : std::string()));
    loaded_ = &frame;
    return {};
  }

  std::unique_ptr<LogSource> file_;
  std::string path_;
  std::vector<SeekFrame> frames_;
  std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> context_{ZSTD_createDCtx(),
                                                                   ZSTD_freeDCtx};
  std::vector<std::byte> compressed_;
  std::vector<std::byte> content_;
  const SeekFrame* loaded_ = nullptr;
};

// The size of its table when the file is an archive, else 0. What an earlier version wrote plainly
// can begin as an archive does, but does not end so.
Result<std::uint64_t> table_bytes(LogSource& file, std::uint64_t size) {
  if (size < kSeekFooterBytes + sizeof(std::uint32_t)) return std::uint64_t{0};
  std::array<std::byte, 4> magic{};
  TRY(read_exactly(file, magic, 0));
  constexpr std::array<std::byte, 4> kZstd{std::byte{0x28}, std::byte{0xB5}, std::byte{0x2F},
                                           std::byte{0xFD}};
  if (magic != kZstd) return std::uint64_t{0};
  std::array<std::byte, kSeekFooterBytes> footer{};
  TRY(read_exactly(file, footer, size - footer.size()));
  return seek_table_bytes(footer).value_or(0);
}

}  // namespace

Result<Archiving> make_archive(int dir_fd, const std::string& name) {
  const UniqueFd log = TRY(base::open_beneath(dir_fd, name, O_RDONLY, base::Links::kRefuse));
  const auto size = static_cast<std::uint64_t>(TRY(base::stat_fd(log.get())).st_size);
  if (size < kSmallestArchived || size / kFrameBytes >= kMaxFrames) return Archiving::kNotNeeded;
  const auto file = file_source(TRY(base::duplicate(log.get())), name);
  const std::uint64_t table = TRY(table_bytes(*file, size));
  if (table != 0) return Archiving::kNotNeeded;
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL;
  const UniqueFd into =
      TRY(base::open_beneath(dir_fd, name + kArchiveSuffix, kFlags, base::Links::kRefuse, 0600));
  auto made = compress(*file, size, into.get());
  if (made.ok()) return Archiving::kMade;
  drop_archive(dir_fd, name);
  return made.error().with_context("compress the log " + name);
}

Result<void> publish_archive(int dir_fd, const std::string& name) {
  const std::string made = name + kArchiveSuffix;
  if (::renameat(dir_fd, made.c_str(), dir_fd, name.c_str()) == 0) return {};
  return base::errno_error("replace the log " + name + " by its archive");
}

void drop_archive(int dir_fd, const std::string& name) {
  (void)::unlinkat(dir_fd, (name + kArchiveSuffix).c_str(), 0);
}

Result<std::unique_ptr<LogSource>> open_source(UniqueFd file, const std::string& path) {
  const auto size = static_cast<std::uint64_t>(TRY(base::stat_fd(file.get())).st_size);
  const auto plain = file_source(TRY(base::duplicate(file.get())), path);
  const std::uint64_t bytes = TRY(table_bytes(*plain, size));
  if (bytes == 0) return file_source(std::move(file), path);
  if (bytes > size) return base::corrupt("the compressed log " + path + " is damaged");
  std::vector<std::byte> table(bytes);
  TRY(read_exactly(*plain, table, size - bytes));
  auto frames = decode_seek_table(table, size);
  if (!frames.ok()) return frames.error().with_context(path);
  return std::make_unique<ArchiveSource>(std::move(file), path, std::move(*frames));
}

}  // namespace stagebox::logs
