// PieceRing: some buffers of equal size that are filled in turn, so that the pieces given out last
// stay valid while the next one is made. This is what lets a thread work ahead without copying.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace stagebox::images {

class PieceRing {
 public:
  /// 1 MiB: few hand-overs between threads, and a whole ring still fits the last-level cache.
  static constexpr std::size_t kPieceBytes = 1UL << 20;

  /// `kept` pieces stay valid beside the newest.
  explicit PieceRing(std::size_t kept, std::size_t piece_bytes = kPieceBytes)
      : piece_bytes_(piece_bytes) {
    // Not initialised: every byte is written before it is read.
    for (std::size_t i = 0; i <= kept; ++i) {
      pieces_.push_back(std::make_unique_for_overwrite<std::byte[]>(piece_bytes));
    }
  }

  /// The buffer whose piece is the oldest.
  std::span<std::byte> next() {
    newest_ = (newest_ + 1) % pieces_.size();
    return {pieces_[newest_].get(), piece_bytes_};
  }

 private:
  std::size_t piece_bytes_;
  std::size_t newest_ = 0;
  std::vector<std::unique_ptr<std::byte[]>> pieces_;
};

}  // namespace stagebox::images
