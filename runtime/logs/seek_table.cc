#include "runtime/logs/seek_table.h"

#include <array>

#include "runtime/logs/little_endian.h"

namespace stagebox::logs {
namespace {

constexpr std::uint32_t kSkippableMagic = 0x184D2A5E;
constexpr std::uint32_t kSeekableMagic = 0x8F92EAB1;
constexpr std::size_t kSkippableHeader = 8;
constexpr std::uint8_t kHasChecksums = 0x80;
constexpr std::uint8_t kReserved = 0x7C;

void append(std::string& text, std::uint32_t number) {
  std::array<std::byte, sizeof(number)> bytes{};
  put_number(std::span<std::byte>(bytes), 0, number);
  for (const std::byte byte : bytes) text.push_back(static_cast<char>(byte));
}

struct Footer {
  std::uint32_t frames = 0;
  std::size_t entry_bytes = 0;
};

std::optional<Footer> decode_footer(std::span<const std::byte, kSeekFooterBytes> bytes) {
  const auto flags = get_number<std::uint8_t>(bytes, 4);
  if (get_number<std::uint32_t>(bytes, 5) != kSeekableMagic || (flags & kReserved) != 0)
    return std::nullopt;
  const auto frames = get_number<std::uint32_t>(bytes, 0);
  if (frames > kMaxFrames) return std::nullopt;
  return Footer{frames, (flags & kHasChecksums) != 0 ? std::size_t{12} : std::size_t{8}};
}

base::Error damaged() { return base::corrupt("the table of a compressed log is damaged"); }

}  // namespace

std::string encode_seek_table(std::span<const SeekFrame> frames) {
  std::string table;
  append(table, kSkippableMagic);
  append(table, static_cast<std::uint32_t>(8 * frames.size() + kSeekFooterBytes));
  for (const SeekFrame& frame : frames) {
    append(table, frame.size);
    append(table, frame.length);
  }
  append(table, static_cast<std::uint32_t>(frames.size()));
  table.push_back('\0');  // no checksums here: each frame has its own
  append(table, kSeekableMagic);
  return table;
}

std::optional<std::uint64_t> seek_table_bytes(std::span<const std::byte, kSeekFooterBytes> footer) {
  const auto decoded = decode_footer(footer);
  if (!decoded) return std::nullopt;
  return kSkippableHeader + std::uint64_t{decoded->frames} * decoded->entry_bytes +
         kSeekFooterBytes;
}

base::Result<std::vector<SeekFrame>> decode_seek_table(std::span<const std::byte> table,
                                                       std::uint64_t file_bytes) {
  if (table.size() < kSkippableHeader + kSeekFooterBytes || table.size() > file_bytes)
    return damaged();
  const auto footer = decode_footer(table.last<kSeekFooterBytes>());
  const auto bytes = seek_table_bytes(table.last<kSeekFooterBytes>());
  if (!footer || bytes != table.size() || get_number<std::uint32_t>(table, 0) != kSkippableMagic ||
      get_number<std::uint32_t>(table, 4) != table.size() - kSkippableHeader)
    return damaged();
  std::vector<SeekFrame> frames;
  frames.reserve(footer->frames);
  SeekFrame next;
  for (std::size_t i = 0; i < footer->frames; ++i) {
    const std::size_t entry = kSkippableHeader + i * footer->entry_bytes;
    next.size = get_number<std::uint32_t>(table, entry);
    next.length = get_number<std::uint32_t>(table, entry + 4);
    if (next.length > kMaxFrame || next.size > 2 * kMaxFrame) return damaged();
    if (next.length != 0) frames.push_back(next);
    next.at += next.size;
    next.content += next.length;
  }
  if (next.at + table.size() != file_bytes) return damaged();
  return frames;
}

}  // namespace stagebox::logs
