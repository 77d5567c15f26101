// ByteStream: bytes that are pulled piece by piece. The joint between the steps of a layer's way
// (stored bytes -> hashed -> inflated -> hashed -> tar reader), so that each step can be tested
// alone and a thread can be put between any two.
#pragma once

#include <atomic>
#include <cstddef>
#include <span>

#include "runtime/base/digest.h"
#include "runtime/base/result.h"

namespace stagebox::images {

class ByteStream {
 public:
  ByteStream() = default;
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;
  virtual ~ByteStream() = default;

  /// The next piece; empty at the end, and again on every later call. It stays valid until the next
  /// call. After an error the stream is not to be used any more.
  virtual base::Result<std::span<const std::byte>> next() = 0;
};

/// Passes another stream on and keeps the SHA-256 and the number of its bytes.
class HashedStream final : public ByteStream {
 public:
  /// `upstream` must outlive this.
  explicit HashedStream(ByteStream& upstream) : upstream_(upstream) {}
  base::Result<std::span<const std::byte>> next() override {
    const auto piece = TRY(upstream_.next());
    hash_.update(piece);
    bytes_.store(bytes() + piece.size(), std::memory_order_relaxed);
    return piece;
  }
  /// So far; from any thread.
  [[nodiscard]] std::uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  /// Of all bytes so far; only once, at the end.
  base::Digest finish() { return hash_.finish(); }

 private:
  ByteStream& upstream_;
  base::Sha256 hash_;
  std::atomic<std::uint64_t> bytes_ = 0;
};

}  // namespace stagebox::images
