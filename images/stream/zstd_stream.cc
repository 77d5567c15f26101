#include <zstd.h>

#include "images/stream/compression.h"
#include "images/stream/piece_ring.h"

namespace stagebox::images {
namespace {

// 128 MiB, what zstd(1) accepts without being asked: the memory one layer may need.
constexpr int kMaxWindowLog = 27;

class ZstdStream final : public ByteStream {
 public:
  ZstdStream(ByteStream& upstream, std::size_t kept)
      : upstream_(upstream), ring_(kept), context_(ZSTD_createDCtx(), ZSTD_freeDCtx) {
    (void)ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, kMaxWindowLog);
  }

  base::Result<std::span<const std::byte>> next() override {
    const std::span<std::byte> piece = ring_.next();
    ZSTD_outBuffer out{piece.data(), piece.size(), 0};
    while (out.pos < out.size) {
      const bool has_input = TRY(refill());
      if (!has_input) break;
      const std::size_t before = out.pos;
      const std::size_t status = ZSTD_decompressStream(context_.get(), &out, &in_);
      if (ZSTD_isError(status) != 0) {
        return base::invalid(std::string("the zstd data is damaged: ") + ZSTD_getErrorName(status));
      }
      frame_open_ = status != 0;
      may_hold_output_ = frame_open_ && out.pos == out.size && out.pos > before;
    }
    return piece.first(out.pos);
  }

 private:
  /// False at the end of the stored bytes, when that is a place where they may end.
  base::Result<bool> refill() {
    if (in_.pos < in_.size || may_hold_output_) return true;
    const auto piece = TRY(upstream_.next());
    at_end_ = piece.empty();
    in_ = {piece.data(), piece.size(), 0};
    started_ = started_ || !at_end_;
    if (!at_end_) return true;
    if (frame_open_ || !started_) return base::invalid("the zstd data is truncated");
    return false;
  }

  ByteStream& upstream_;
  PieceRing ring_;
  std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> context_;
  ZSTD_inBuffer in_{nullptr, 0, 0};
  bool at_end_ = false;
  bool started_ = false;
  bool frame_open_ = false;
  bool may_hold_output_ = false;
};

}  // namespace

std::unique_ptr<ByteStream> make_zstd_stream(ByteStream& upstream, std::size_t kept) {
  return std::make_unique<ZstdStream>(upstream, kept);
}

}  // namespace stagebox::images
