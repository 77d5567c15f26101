#include "runtime/logs/log_archive.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/base/files.h"
#include "runtime/logs/log_format.h"
#include "runtime/logs/log_frame.h"
#include "runtime/logs/seek_table.h"

namespace stagebox::logs {
namespace {

using base::Result;
using base::UniqueFd;

// Large enough that compression loses nothing, small enough to be cheap to begin in.
constexpr std::uint64_t kFrameBytes = std::uint64_t{1} << 20;
// Of whole records none is longer.
constexpr std::uint64_t kLongestSound = kFrameBytes + kHeaderBytes + kMaxChunk;
// Frames that are made at once. Each takes about 3 MiB.
constexpr std::size_t kMostLanes = 4;

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

// What one frame is made of: records, or one that is a frame already.
struct Piece {
  std::span<const std::byte> bytes;
  std::size_t content = 0;  ///< Of the frame that `bytes` are; else 0.
};

// A log in the pieces that frames are made of, each byte of it read once: whole records, together
// at least kFrameBytes or up to one that is packed, as far as records can be read; whatever follows
// is kept all the same.
class FrameCutter {
 public:
  FrameCutter(LogSource& source, std::uint64_t size, PackedRecords packed)
      : source_(source), size_(size), packed_(packed), buffer_(2 * kFrameBytes) {}

  /// The next piece, until the next call; empty at the end.
  Result<Piece> next() {
    begin_ += std::exchange(taken_, 0);
    if (filled_ - begin_ < kFrameBytes + kHeaderBytes + kMaxPacked) TRY(fill());
    if (const auto frame = packed_at(begin_)) {
      taken_ = kHeaderBytes + frame->bytes.size();
      return *frame;
    }
    taken_ = bytes_of_piece();
    return Piece{std::span<const std::byte>(buffer_).subspan(begin_, taken_)};
  }

 private:
  Result<void> fill() {
    if (offset_ == size_) return {};
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
              buffer_.begin() + static_cast<std::ptrdiff_t>(filled_), buffer_.begin());
    filled_ -= std::exchange(begin_, 0);
    const auto more = std::span(buffer_).subspan(
        filled_, std::min<std::uint64_t>(buffer_.size() - filled_, size_ - offset_));
    TRY(read_exactly(source_, more, offset_));
    offset_ += more.size();
    filled_ += more.size();
    return {};
  }

  std::size_t bytes_of_piece() {
    const std::size_t rest = filled_ - begin_;
    std::size_t bytes = 0;
    while (bytes < std::min<std::size_t>(kFrameBytes, rest)) {
      const std::size_t more = bytes_of_header_and_content(begin_ + bytes);
      if (more == 0) return std::min<std::size_t>(kMaxFrame, rest);
      bytes += more;
      if (is_packed(begin_ + bytes)) break;
    }
    return bytes;
  }

  // 0: nothing there that can be read.
  std::size_t bytes_of_header_and_content(std::size_t at) {
    const auto rest = rest_from(at);
    if (!std::exchange(has_begun_, true)) {
      is_readable_ =
          rest.size() >= kHeaderBytes && decode_file_header(rest.first<kHeaderBytes>()).has_value();
      return is_readable_ ? kHeaderBytes : 0;
    }
    const auto record = record_at(at);
    return record ? kHeaderBytes + record->length : 0;
  }

  [[nodiscard]] std::span<const std::byte> rest_from(std::size_t at) const {
    return std::span<const std::byte>(buffer_).subspan(at, filled_ - at);
  }

  // One that is there in full.
  [[nodiscard]] std::optional<RecordHeader> record_at(std::size_t at) const {
    const auto rest = rest_from(at);
    if (!is_readable_ || rest.size() < kHeaderBytes) return std::nullopt;
    const auto record = decode_record_header(rest.first<kHeaderBytes>());
    if (!record || rest.size() - kHeaderBytes < record->length) return std::nullopt;
    return record;
  }

  [[nodiscard]] bool is_packed(std::size_t at) const {
    const auto record = record_at(at);
    return record && record->kind == RecordKind::kPacked;
  }

  // One that is not right ends what can be read.
  std::optional<Piece> packed_at(std::size_t at) {
    const auto record = record_at(at);
    if (!record || record->kind != RecordKind::kPacked) return std::nullopt;
    const auto frame = rest_from(at).subspan(kHeaderBytes, record->length);
    const auto content = content_size(frame, kMaxUnpacked);
    is_readable_ = content && is_sound(frame, *content);
    return is_readable_ ? std::optional(Piece{frame, *content}) : std::nullopt;
  }

  bool is_sound(std::span<const std::byte> frame, std::size_t content) {
    if (packed_ == PackedRecords::kTrusted) return true;
    opened_.resize(content);
    return opener_.open(frame, opened_).ok();
  }

  LogSource& source_;
  std::uint64_t size_;
  PackedRecords packed_;
  std::vector<std::byte> buffer_;
  std::size_t begin_ = 0;  ///< Of what has not been given out.
  std::size_t filled_ = 0;
  std::size_t taken_ = 0;     ///< From the beginning, by the last piece.
  std::uint64_t offset_ = 0;  ///< Of the end of what is filled.
  bool has_begun_ = false;
  bool is_readable_ = false;
  FrameOpener opener_;
  std::vector<std::byte> opened_;
};

// One of the frames that are made at once.
struct Lane {
  std::vector<std::byte> bytes;
  std::size_t content = 0;  ///< Of a frame that was made before; else 0.
  FrameMaker maker;
  Result<std::span<const std::byte>> frame = std::span<const std::byte>();

  void make() {
    if (content != 0)
      frame = std::span<const std::byte>(bytes);
    else
      frame = maker.make(bytes);
  }
};

class ArchiveWriter {
 public:
  ArchiveWriter(int into, std::size_t lanes) : into_(into), lanes_(lanes) {}

  Result<void> add(const Piece& piece) {
    Lane& lane = lanes_[waiting_++];
    lane.bytes.assign(piece.bytes.begin(), piece.bytes.end());
    lane.content = piece.content;
    return waiting_ == lanes_.size() ? make_frames() : Result<void>();
  }
  Result<void> finish() {
    TRY(make_frames());
    return base::write_all(into_, encode_seek_table(frames_));
  }

 private:
  // The first one here, each of the others on a thread of its own where there can be one.
  Result<void> make_frames() {
    const auto waiting = std::span(lanes_).first(std::exchange(waiting_, 0));
    if (waiting.empty()) return {};
    {
      std::vector<std::jthread> helpers;
      for (Lane& lane : waiting.subspan(1)) help(lane, helpers);
      waiting.front().make();
    }
    for (const Lane& lane : waiting)
      TRY(add_frame(TRY(Result(lane.frame)), lane.content != 0 ? lane.content : lane.bytes.size()));
    return {};
  }

  static void help(Lane& lane, std::vector<std::jthread>& helpers) {
    if (lane.content != 0) return lane.make();
    try {
      helpers.emplace_back([&lane] { lane.make(); });
    } catch (const std::system_error&) {
      lane.make();
    }
  }

  Result<void> add_frame(std::span<const std::byte> frame, std::size_t content) {
    if (frames_.size() == kMaxFrames) return base::unsupported("it has too many frames");
    TRY(base::write_all(into_, frame));
    next_.length = static_cast<std::uint32_t>(content);
    next_.size = static_cast<std::uint32_t>(frame.size());
    frames_.push_back(next_);
    next_.at += next_.size;
    next_.content += next_.length;
    return {};
  }

  int into_;
  std::vector<Lane> lanes_;
  std::size_t waiting_ = 0;  ///< Lanes that have a piece.
  std::vector<SeekFrame> frames_;
  SeekFrame next_;
};

// One for each processor that this process may use, when there is as much to do.
std::size_t lanes_for(std::uint64_t size) {
  const std::size_t processors = std::max(1U, std::thread::hardware_concurrency());
  return std::min({processors, kMostLanes, static_cast<std::size_t>(size / kFrameBytes + 1)});
}

Result<void> compress(LogSource& log, std::uint64_t size, int into, PackedRecords packed) {
  FrameCutter cutter(log, size, packed);
  ArchiveWriter writer(into, lanes_for(size));
  for (;;) {
    const Piece piece = TRY(cutter.next());
    if (piece.bytes.empty()) return writer.finish();
    TRY(writer.add(piece));
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
      // FrameCutter makes longer ones of what it cannot read only: behind them it cuts anywhere.
      if (frame.length > kLongestSound) break;
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
    auto opened = opener_.open(compressed_, content_);
    if (!opened.ok())
      return opened.error().with_context("the compressed log " + path_ + " is damaged");
    loaded_ = &frame;
    return {};
  }

  std::unique_ptr<LogSource> file_;
  std::string path_;
  std::vector<SeekFrame> frames_;
  FrameOpener opener_;
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

Result<Archiving> make_archive(int dir_fd, const std::string& name, PackedRecords packed) {
  const UniqueFd log = TRY(base::open_beneath(dir_fd, name, O_RDONLY, base::Links::kRefuse));
  const auto size = static_cast<std::uint64_t>(TRY(base::stat_fd(log.get())).st_size);
  if (size < kSmallestArchived || size / kFrameBytes >= kMaxFrames) return Archiving::kNotNeeded;
  const auto file = file_source(TRY(base::duplicate(log.get())), name);
  const std::uint64_t table = TRY(table_bytes(*file, size));
  if (table != 0) return Archiving::kNotNeeded;
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL;
  const UniqueFd into =
      TRY(base::open_beneath(dir_fd, name + kArchiveSuffix, kFlags, base::Links::kRefuse, 0600));
  auto made = compress(*file, size, into.get(), packed);
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
