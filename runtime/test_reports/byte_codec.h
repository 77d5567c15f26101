// What the encodings of reports are made of: numbers and texts, one after another. The reader
// trusts nothing. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/base/result.h"

namespace stagebox::test_reports {

/// In base 128, the low digits first.
void put_number(std::string& bytes, std::uint64_t number);
/// With its length before it.
void put_text(std::string& bytes, std::string_view text);

/// Over bytes that outlive it. Every error is kCorrupt: "these are no NOUN".
class ByteReader {
 public:
  ByteReader(std::string_view bytes, std::string_view noun) : rest_(bytes), noun_(noun) {}

  /// One byte, which must be there and be this one.
  base::Result<void> expect(char byte);
  /// One that put_number() made, at most `most`.
  base::Result<std::uint64_t> number(std::uint64_t most);
  /// At most so many bytes, of characters that is_clean() allows.
  base::Result<std::string> text(std::size_t most);
  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  [[nodiscard]] base::Error damaged() const;

 private:
  std::string_view rest_;
  std::string_view noun_;
};

}  // namespace stagebox::test_reports
