#include "images/tar/tar_header.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace stagebox::images {
namespace {

struct Field {
  std::size_t offset;
  std::size_t size;
};
constexpr Field kName{0, 100};
constexpr Field kSize{124, 12};
constexpr Field kChecksum{148, 8};
constexpr Field kType{156, 1};
constexpr Field kLink{157, 100};
constexpr Field kMagic{257, 6};
constexpr Field kPrefix{345, 155};

std::string_view field(std::string_view block, Field where) {
  return block.substr(where.offset, where.size);
}

std::string text_of(std::string_view raw) { return std::string(raw.substr(0, raw.find('\0'))); }

std::optional<std::uint64_t> octal(std::string_view raw) {
  while (!raw.empty() && raw.front() == ' ') raw.remove_prefix(1);
  while (!raw.empty() && (raw.back() == ' ' || raw.back() == '\0')) raw.remove_suffix(1);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(raw.data(), raw.data() + raw.size(), value, 8);
  if (raw.empty()) return 0;
  if (error != std::errc() || end != raw.data() + raw.size()) return std::nullopt;
  return value;
}

// The first byte is 0x80 for a positive number; 0xff begins a negative one.
std::optional<std::uint64_t> base256(std::string_view raw) {
  if (static_cast<unsigned char>(raw.front()) != 0x80) return std::nullopt;
  std::uint64_t value = 0;
  for (const char letter : raw.substr(1)) {
    if (value >> 55U != 0) return std::nullopt;
    value = (value << 8U) | static_cast<unsigned char>(letter);
  }
  return value;
}

std::optional<std::uint64_t> number(std::string_view raw) {
  return (static_cast<unsigned char>(raw.front()) & 0x80U) != 0 ? base256(raw) : octal(raw);
}

bool checksum_matches(std::string_view block) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < block.size(); ++i) {
    const bool in_field = i >= kChecksum.offset && i < kChecksum.offset + kChecksum.size;
    sum += static_cast<unsigned char>(in_field ? ' ' : block[i]);
  }
  return octal(field(block, kChecksum)) == sum;
}

}  // namespace

bool is_zero_block(std::span<const std::byte, kTarBlock> block) {
  return std::ranges::all_of(block, [](std::byte byte) { return byte == std::byte{0}; });
}

base::Result<TarHeader> parse_tar_header(std::span<const std::byte, kTarBlock> raw) {
  const std::string_view block(reinterpret_cast<const char*>(raw.data()), raw.size());
  if (!checksum_matches(block)) return base::invalid("not a tar header: wrong checksum");
  const auto size = number(field(block, kSize));
  constexpr std::uint64_t kLargest = 1ULL << 62U;
  if (!size || *size > kLargest) return base::invalid("a tar header has an impossible size");
  TarHeader header;
  header.name = text_of(field(block, kName));
  header.link = text_of(field(block, kLink));
  header.type = field(block, kType).front() == '\0' ? '0' : field(block, kType).front();
  header.size = *size;
  // GNU tar ("ustar  ") keeps other things where POSIX has the prefix.
  const std::string prefix = text_of(field(block, kPrefix));
  if (field(block, kMagic) == std::string_view("ustar\0", 6) && !prefix.empty()) {
    header.name.insert(0, prefix + "/");
  }
  return header;
}

base::Result<std::map<std::string, std::string>> parse_pax_records(std::string_view text) {
  std::map<std::string, std::string> records;
  while (!text.empty()) {
    std::uint64_t length = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
    const auto digits = static_cast<std::uint64_t>(end - text.data());
    // "LENGTH KEYWORD=VALUE\n", the length counts all of it.
    if (error != std::errc() || length > text.size() || length < digits + 4 ||
        text[digits] != ' ' || text[length - 1] != '\n') {
      return base::invalid("a pax header is malformed");
    }
    const std::string_view record = text.substr(digits + 1, length - digits - 2);
    const std::size_t equals = record.find('=');
    if (equals == std::string_view::npos) return base::invalid("a pax header is malformed");
    records[std::string(record.substr(0, equals))] = record.substr(equals + 1);
    text.remove_prefix(length);
  }
  return records;
}

}  // namespace stagebox::images
