#include "runtime/logs/log_format.h"

#include <algorithm>
#include <ctime>

#include "runtime/logs/little_endian.h"

namespace stagebox::logs {
namespace {

constexpr std::uint32_t kMark = 0x4B4E4843;  // "CHNK"
constexpr std::size_t kCheckAt = 12;
constexpr std::uint32_t kStdoutBetweenLines = 1;
constexpr std::uint32_t kStderrBetweenLines = 2;
constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;

// FNV-1a over the header without the check itself: tells zeros and leftovers of a crash from what
// was written. It is no protection against anybody who writes what he likes.
std::uint32_t check_of(std::span<const std::byte, kHeaderBytes> bytes) {
  std::uint32_t hash = 2166136261U;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i >= kCheckAt && i < kCheckAt + sizeof(hash)) continue;
    hash = (hash ^ std::to_integer<std::uint32_t>(bytes[i])) * 16777619U;
  }
  return hash;
}

void put_times_and_check(HeaderBytes& bytes, LogTime time) {
  put_number(bytes, 16, time.monotonic);
  put_number(bytes, 24, time.wall);
  put_number(bytes, kCheckAt, check_of(bytes));
}

LogTime times_of(std::span<const std::byte> bytes) {
  return {get_number<std::int64_t>(bytes, 16), get_number<std::int64_t>(bytes, 24)};
}

bool is_checked(std::span<const std::byte, kHeaderBytes> bytes) {
  return get_number<std::uint32_t>(bytes, kCheckAt) == check_of(bytes);
}

std::size_t most_content(RecordKind kind) {
  return kind == RecordKind::kPacked ? kMaxPacked : kMaxChunk;
}

std::int64_t clock_now(clockid_t clock) {
  struct timespec now{};
  (void)::clock_gettime(clock, &now);
  return now.tv_sec * kNanosecondsPerSecond + now.tv_nsec;
}

}  // namespace

LogTime log_time_now() { return {clock_now(CLOCK_MONOTONIC), clock_now(CLOCK_REALTIME)}; }

HeaderBytes encode_file_header(LogTime time) {
  HeaderBytes bytes{};
  std::ranges::transform(kMagic, bytes.begin(), [](char c) { return static_cast<std::byte>(c); });
  put_number(bytes, 8, kFormatVersion);
  put_times_and_check(bytes, time);
  return bytes;
}

HeaderBytes encode_record_header(const RecordHeader& header) {
  HeaderBytes bytes{};
  put_number(bytes, 0, kMark);
  bytes[4] = static_cast<std::byte>(header.kind);
  bytes[5] = static_cast<std::byte>((header.between_lines[0] ? kStdoutBetweenLines : 0) |
                                    (header.between_lines[1] ? kStderrBetweenLines : 0));
  put_number(bytes, 8, header.length);
  put_times_and_check(bytes, header.time);
  return bytes;
}

std::optional<FileHeader> decode_file_header(std::span<const std::byte, kHeaderBytes> bytes) {
  const bool begins =
      std::ranges::equal(bytes.first(kMagic.size()), std::as_bytes(std::span(kMagic)));
  if (!begins || !is_checked(bytes)) return std::nullopt;
  return FileHeader{get_number<std::uint32_t>(bytes, 8), times_of(bytes)};
}

std::optional<RecordHeader> decode_record_header(std::span<const std::byte, kHeaderBytes> bytes) {
  if (get_number<std::uint32_t>(bytes, 0) != kMark || !is_checked(bytes)) return std::nullopt;
  const std::uint32_t kind = get_number<std::uint8_t>(bytes, 4);
  const auto lines = get_number<std::uint32_t>(bytes, 4) >> 8U;  // with the two zeros
  const auto length = get_number<std::uint32_t>(bytes, 8);
  const bool known = kind >= static_cast<std::uint32_t>(RecordKind::kStdout) &&
                     kind <= static_cast<std::uint32_t>(RecordKind::kPacked);
  if (!known || lines > (kStdoutBetweenLines | kStderrBetweenLines)) return std::nullopt;
  const auto record = static_cast<RecordKind>(kind);
  if (length > most_content(record)) return std::nullopt;
  if ((record == RecordKind::kEnd) != (length == 0)) return std::nullopt;
  return RecordHeader{record,
                      length,
                      times_of(bytes),
                      {(lines & kStdoutBetweenLines) != 0, (lines & kStderrBetweenLines) != 0}};
}

}  // namespace stagebox::logs
