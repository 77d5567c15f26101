#include "images/tar/tar_writer.h"

#include <algorithm>

#include "images/tar/tar_header.h"
#include "runtime/base/files.h"

namespace stagebox::images {
namespace {

// Where the fields of a ustar header are (POSIX.1-2017, pax, "ustar Interchange Format").
constexpr std::size_t kModeAt = 100;
constexpr std::size_t kUidAt = 108;
constexpr std::size_t kGidAt = 116;
constexpr std::size_t kSizeAt = 124;
constexpr std::size_t kTimeAt = 136;
constexpr std::size_t kSumAt = 148;
constexpr std::size_t kTypeAt = 156;
constexpr std::size_t kMagicAt = 257;
constexpr char kFile = '0';
constexpr char kDirectory = '5';
constexpr std::size_t kNameBytes = 100;
constexpr std::size_t kSizeBytes = 12;

std::string octal(std::uint64_t value, std::size_t digits) {
  std::string text(digits, '0');
  for (auto digit = text.rbegin(); digit != text.rend(); ++digit, value >>= 3U) {
    *digit = static_cast<char>('0' + static_cast<char>(value & 7U));
  }
  return text;
}

// Eleven octal digits reach 8 GiB; beyond that GNU's base-256 is what every reader knows.
std::string size_field(std::uint64_t size) {
  if (size >> 33U == 0) return octal(size, kSizeBytes - 1);
  std::string text(kSizeBytes, '\0');
  text.front() = '\x80';
  for (std::size_t i = 0; i < sizeof size; ++i) {
    text[kSizeBytes - 1 - i] = static_cast<char>(size >> (8 * i) & 0xffU);
  }
  return text;
}

}  // namespace

base::Result<void> TarWriter::header(const std::string& name, char type, std::uint64_t size) {
  if (name.size() > kNameBytes) return base::invalid("the name " + name + " is too long");
  std::string block(kTarBlock, '\0');
  const auto put = [&block](std::size_t at, std::string_view text) {
    std::ranges::copy(text, block.begin() + static_cast<std::ptrdiff_t>(at));
  };
  put(0, name);
  put(kModeAt, type == kDirectory ? "0000755" : "0000644");
  put(kUidAt, "0000000");
  put(kGidAt, "0000000");
  put(kSizeAt, size_field(size));
  put(kTimeAt, octal(0, 11));
  put(kSumAt, "        ");
  put(kTypeAt, std::string_view(&type, 1));
  put(kMagicAt, std::string_view("ustar\00000", 8));
  std::uint64_t sum = 0;
  for (const char letter : block) sum += static_cast<unsigned char>(letter);
  put(kSumAt, octal(sum, 6) + '\0');
  return base::write_all(fd_, block);
}

base::Result<void> TarWriter::begin_member(const std::string& name, std::uint64_t size) {
  size_ = size;
  written_ = 0;
  return header(name, kFile, size);
}

base::Result<void> TarWriter::directory(const std::string& name) {
  return header(name, kDirectory, 0);
}

base::Result<void> TarWriter::append(std::span<const std::byte> data) {
  written_ += data.size();
  return base::write_all(fd_, data);
}

base::Result<void> TarWriter::end_member() {
  if (written_ != size_) return base::corrupt("a part of the image has another size than recorded");
  const std::size_t padding = (kTarBlock - size_ % kTarBlock) % kTarBlock;
  return base::write_all(fd_, std::string(padding, '\0'));
}

base::Result<void> TarWriter::member(const std::string& name, std::string_view content) {
  TRY(begin_member(name, content.size()));
  TRY(append(std::as_bytes(std::span(content))));
  return end_member();
}

base::Result<void> TarWriter::finish() {
  return base::write_all(fd_, std::string(2 * kTarBlock, '\0'));
}

}  // namespace stagebox::images
