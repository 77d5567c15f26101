// LogReader: a log from its beginning, chunk by chunk, also while it is written. It believes no
// length that the file cannot have and needs the memory of a few chunks, however large the log is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/logs/log_format.h"
#include "runtime/logs/log_frame.h"
#include "runtime/logs/log_source.h"

namespace stagebox::logs {

struct Chunk {
  RecordKind kind = RecordKind::kStdout;  ///< Never kEnd or kPacked.
  std::optional<LogTime> time;            ///< None in logs of before there were times.
  std::span<const std::byte> bytes;       ///< Valid until the next call.
};

enum class LogState {
  kOpen,     ///< It may go on; a log that nobody writes any more was broken off here.
  kWhole,    ///< Read to its end.
  kDamaged,  ///< What follows cannot be understood.
};

/// Not thread-safe.
class LogReader {
 public:
  /// kNotFound when there is no such file. Plain logs of earlier versions are one stream.
  static base::Result<LogReader> open(const std::string& path);
  explicit LogReader(std::unique_ptr<LogSource> source);

  /// The next chunk; nothing when there is none, for the reason that state() says. While that is
  /// kOpen it can be asked again later.
  base::Result<std::optional<Chunk>> next();
  [[nodiscard]] LogState state() const { return state_; }
  /// Before the first next(): leaves out chunks that came before `wall` (nanoseconds since 1970),
  /// as far as that saves reading them. Some may still come.
  base::Result<void> skip_to(std::int64_t wall);
  /// Before the first next(), after skip_to(): leaves out what is before the last records of about
  /// `bytes`, more rather than less. Of what is left out nothing is read but headers, and of an
  /// archive nothing at all; so damage there is not noticed.
  base::Result<void> skip_to_last(std::uint64_t bytes);
  /// Which streams are between lines where skip_to_last() begins; nothing when it left out nothing.
  [[nodiscard]] std::optional<BetweenLines> cut() const { return cut_; }
  /// Where in the uncompressed file the next record begins, or while one that is packed is given
  /// out the one behind it.
  [[nodiscard]] std::uint64_t offset() const { return offset_ - (buffer_end_ - buffer_begin_); }

 private:
  enum class Format { kUnknown, kPlain, kRecords };

  base::Result<void> find_format();
  base::Result<std::optional<RecordHeader>> record_at(std::uint64_t offset);
  void go_to(std::uint64_t offset);
  base::Result<std::optional<Chunk>> next_plain();
  std::optional<Chunk> next_unpacked();
  bool unpack(std::span<const std::byte> frame);
  base::Result<bool> fill(std::size_t wanted);
  std::span<const std::byte> take(std::size_t count);
  [[nodiscard]] std::span<const std::byte, kHeaderBytes> header() const;

  static constexpr std::size_t kBufferBytes = 4 * (kMaxChunk + kHeaderBytes);

  std::unique_ptr<LogSource> source_;
  Format format_ = Format::kUnknown;
  LogState state_ = LogState::kOpen;
  std::int64_t begins_ = 0;  ///< As the file's header says.
  std::optional<BetweenLines> cut_;
  std::vector<std::byte> buffer_;
  std::size_t buffer_begin_ = 0;
  std::size_t buffer_end_ = 0;
  std::uint64_t offset_ = 0;             ///< Of the end of what is in the buffer.
  std::unique_ptr<FrameOpener> opener_;  ///< From the first packed record on.
  std::vector<std::byte> unpacked_;      ///< The records of the last one.
  std::size_t unpacked_begin_ = 0;       ///< What of them has not been given out.
};

}  // namespace stagebox::logs
