// The bytes of a log file: a header, then records until an end record. Each record has a header of
// its own with kind, length and times, then `length` bytes, which may be records that were
// compressed together. All numbers are little-endian. Nothing here reads or writes files.
// docs/logs.md describes the format for others.
//
//   file header   0 magic (8)   8 version (4)  12 check (4)  16 monotonic (8)  24 wall (8)
//   record header 0 mark (4)    4 kind (1)      5 between lines (1)    6 zero (2)
//                 8 length (4) 12 check (4)    16 monotonic (8)       24 wall (8)
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace stagebox::logs {

/// Of a file's header and of a record's.
inline constexpr std::size_t kHeaderBytes = 32;
/// Of what one record says.
inline constexpr std::size_t kMaxChunk = std::size_t{64} << 10;
/// Of records that are compressed together, with their headers, and of what that gives: what a
/// reader has to hold at once. A frame that would take more is not worth it.
inline constexpr std::size_t kMaxUnpacked = 4 * (kMaxChunk + kHeaderBytes);
inline constexpr std::size_t kMaxPacked = 3 * kMaxChunk;
/// 1 had no packed records, 2 did not say which streams are between lines.
inline constexpr std::uint32_t kFormatVersion = 3;
/// What every log in this format begins with; an earlier version of Stagebox wrote the plain bytes.
inline constexpr std::string_view kMagic{"\x89SBLOG\r\n", 8};

enum class RecordKind : std::uint8_t {
  kStdout = 1,
  kStderr = 2,
  kNotice = 3,  ///< A line of ours about the log, as that its limit was reached.
  kEnd = 4,     ///< The log is whole. It has no content.
  kPacked = 5,  ///< Records of the first two kinds, as one frame of zstd.
};

/// Nanoseconds. `monotonic` is CLOCK_MONOTONIC of this machine's current start; `wall` counts from
/// 1970.
struct LogTime {
  std::int64_t monotonic = 0;
  std::int64_t wall = 0;
  bool operator==(const LogTime&) const = default;
};
LogTime log_time_now();

/// Of standard output and of standard error: whether what the stream wrote before ends with a line
/// break, or is nothing, so that whoever begins here misses no beginning of a line. Without it
/// nobody has said so.
using BetweenLines = std::array<bool, 2>;

struct RecordHeader {
  RecordKind kind = RecordKind::kStdout;
  std::uint32_t length = 0;
  LogTime time;
  BetweenLines between_lines{};
  bool operator==(const RecordHeader&) const = default;
};

using HeaderBytes = std::array<std::byte, kHeaderBytes>;
HeaderBytes encode_file_header(LogTime time);
HeaderBytes encode_record_header(const RecordHeader& header);

struct FileHeader {
  std::uint32_t version = 0;
  LogTime time;
};
/// Nothing when `bytes` are not the header of a log file, or are a damaged one.
std::optional<FileHeader> decode_file_header(std::span<const std::byte, kHeaderBytes> bytes);
/// Nothing when `bytes` are no header that encode_record_header() makes: then what follows cannot
/// be understood either.
std::optional<RecordHeader> decode_record_header(std::span<const std::byte, kHeaderBytes> bytes);

}  // namespace stagebox::logs
