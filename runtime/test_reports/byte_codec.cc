#include "runtime/test_reports/byte_codec.h"

#include "runtime/base/utf8.h"
#include "runtime/test_reports/clean_text.h"

namespace stagebox::test_reports {
namespace {

using base::Result;

bool is_clean_text(std::string_view text) {
  while (!text.empty()) {
    const base::Utf8Character character = base::decode_utf8(text);
    if (character.length == 0 || !is_clean(character.code)) return false;
    text.remove_prefix(character.length);
  }
  return true;
}

}  // namespace

void put_number(std::string& bytes, std::uint64_t number) {
  for (; number >= 0x80; number >>= 7U) bytes.push_back(static_cast<char>(number | 0x80U));
  bytes.push_back(static_cast<char>(number));
}

void put_text(std::string& bytes, std::string_view text) {
  put_number(bytes, text.size());
  bytes.append(text);
}

base::Error ByteReader::damaged() const {
  return base::corrupt("these are no " + std::string(noun_));
}

Result<void> ByteReader::expect(char byte) {
  if (rest_.empty() || rest_.front() != byte) return damaged();
  rest_.remove_prefix(1);
  return {};
}

Result<std::uint64_t> ByteReader::number(std::uint64_t most) {
  std::uint64_t number = 0;
  for (unsigned shift = 0; shift < 63 && !rest_.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    number |= std::uint64_t{byte & 0x7FU} << shift;
    if ((byte & 0x80U) != 0) continue;
    if (number > most || (byte == 0 && shift != 0)) break;
    return number;
  }
  return damaged();
}

Result<std::string> ByteReader::text(std::size_t most) {
  const std::uint64_t size = TRY(number(most));
  if (size > rest_.size()) return damaged();
  const std::string_view text = rest_.substr(0, size);
  rest_.remove_prefix(size);
  if (!is_clean_text(text)) return damaged();
  return std::string(text);
}

}  // namespace stagebox::test_reports
