// A stream of bytes that are in memory.
#pragma once

#include <algorithm>
#include <limits>
#include <string>

#include "images/stream/byte_stream.h"

namespace stagebox::testing {

/// Gives its data in pieces of `piece` bytes; the last may be shorter.
class StringStream final : public images::ByteStream {
 public:
  explicit StringStream(std::string data,
                        std::size_t piece = std::numeric_limits<std::size_t>::max())
      : data_(std::move(data)), piece_(piece) {}
  base::Result<std::span<const std::byte>> next() override {
    const auto rest = std::as_bytes(std::span(data_)).subspan(at_);
    const auto part = rest.first(std::min(piece_, rest.size()));
    at_ += part.size();
    return part;
  }

 private:
  std::string data_;
  std::size_t piece_;
  std::size_t at_ = 0;
};

}  // namespace stagebox::testing
