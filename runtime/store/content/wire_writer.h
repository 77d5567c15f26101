// WireWriter: the canonical bytes of Remote Execution API messages, written straight down. A stage
// key is made for every stage of every run, and building message objects first takes ten times as
// long. Internal to the store; reading is protobuf's business (reapi_codec.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/store/content/content_types.h"

namespace stagebox::store {

/// Appends fields, which the caller gives in rising order, as protobuf's own serialisation does
/// ("Encoding", proto3: fields with their default value are left out, but members of a repeated
/// field and messages are not).
class WireWriter {
 public:
  explicit WireWriter(std::string& out) : out_(out) {}

  /// A string, bytes or message, also an empty one.
  void bytes(unsigned field, std::string_view value) {
    head(field, value.size());
    out_ += value;
  }
  void bytes_if_any(unsigned field, std::string_view value) {
    if (!value.empty()) bytes(field, value);
  }
  void number_if_any(unsigned field, std::uint64_t value) {
    if (value == 0) return;
    varint(field << 3U);
    varint(value);
  }
  /// A message with a name as field 1 and a value as field 2.
  void pair(unsigned field, std::string_view name, std::string_view value);
  void digest(unsigned field, const Digest& digest, std::uint64_t size);

 private:
  static constexpr unsigned kLengthDelimited = 2;

  void head(unsigned field, std::size_t length) {
    varint((field << 3U) | kLengthDelimited);
    varint(length);
  }
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7U) out_ += static_cast<char>((value & 0x7FU) | 0x80U);
    out_ += static_cast<char>(value);
  }
  static std::size_t varint_size(std::uint64_t value) {
    std::size_t size = 1;
    for (; value >= 0x80; value >>= 7U) ++size;
    return size;
  }
  /// Of a field with a number below 16.
  static std::size_t bytes_size(std::string_view value) {
    return value.empty() ? 0 : 1 + varint_size(value.size()) + value.size();
  }

  std::string& out_;
};

inline void WireWriter::pair(unsigned field, std::string_view name, std::string_view value) {
  head(field, bytes_size(name) + bytes_size(value));
  bytes_if_any(1, name);
  bytes_if_any(2, value);
}

inline void WireWriter::digest(unsigned field, const Digest& digest, std::uint64_t size) {
  head(field, 2 + Digest::kHexChars + (size == 0 ? 0 : 1 + varint_size(size)));
  bytes(1, digest.hex());
  number_if_any(2, size);
}

}  // namespace stagebox::store
