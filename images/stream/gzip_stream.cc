#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <cstdint>

#include "images/stream/compression.h"
#include "images/stream/piece_ring.h"

namespace stagebox::images {
namespace {

class GzipStream final : public ByteStream {
 public:
  GzipStream(ByteStream& upstream, std::size_t kept) : upstream_(upstream), ring_(kept) {
    isal_inflate_init(&state_);
    state_.crc_flag = ISAL_GZIP;  // read the header, check the trailer
  }

  base::Result<std::span<const std::byte>> next() override {
    const std::span<std::byte> out = ring_.next();
    state_.next_out = reinterpret_cast<std::uint8_t*>(out.data());
    state_.avail_out = static_cast<std::uint32_t>(out.size());
    while (state_.avail_out > 0) {
      const bool has_input = TRY(refill());
      if (!has_input) break;
      const bool in_member = TRY(begin_member());
      if (in_member) TRY(step());
    }
    return out.first(out.size() - state_.avail_out);
  }

 private:
  /// False at the end of the stored bytes, when that is a place where they may end.
  base::Result<bool> refill() {
    if (state_.avail_in > 0) return true;
    if (!at_end_) {
      const auto piece = TRY(upstream_.next());
      at_end_ = piece.empty();
      // isa-l does not write to its input; its interface only lacks the const.
      state_.next_in = const_cast<std::uint8_t*>(  // NOLINT(cppcoreguidelines-pro-type-const-cast)
          reinterpret_cast<const std::uint8_t*>(piece.data()));
      state_.avail_in = static_cast<std::uint32_t>(piece.size());
    }
    if (state_.avail_in > 0) return true;
    if (!between_members_ || !any_member_) return flush_after_end();
    return false;
  }

  // The last bytes may already be inside isa-l's bit buffer: let it finish on them.
  base::Result<bool> flush_after_end() {
    if (!between_members_) {
      TRY(step());
      if (between_members_) return false;
      if (state_.avail_out == 0) return true;
    }
    return base::invalid("the gzip data is truncated");
  }

  /// False when nothing but padding was there.
  base::Result<bool> begin_member() {
    if (!between_members_) return true;
    if (any_member_) {
      while (state_.avail_in > 0 && *state_.next_in == 0) {
        padding_ = true;
        ++state_.next_in;
        --state_.avail_in;
      }
      if (state_.avail_in == 0) return false;
      if (padding_ || *state_.next_in != 0x1f) {
        return base::invalid("other data follows the end of the gzip data");
      }
      isal_inflate_reset(&state_);
      state_.crc_flag = ISAL_GZIP;
    }
    between_members_ = false;
    return true;
  }

  base::Result<void> step() {
    const int status = isal_inflate(&state_);
    if (status == ISAL_INCORRECT_CHECKSUM) {
      return base::invalid("the gzip data is damaged: its checksum does not match");
    }
    if (status < 0) return base::invalid("the gzip data is damaged");
    if (state_.block_state == ISAL_BLOCK_FINISH) {
      between_members_ = true;
      any_member_ = true;
    }
    return {};
  }

  ByteStream& upstream_;
  PieceRing ring_;
  inflate_state state_{};
  bool at_end_ = false;
  bool between_members_ = true;
  bool any_member_ = false;
  bool padding_ = false;
};

}  // namespace

std::unique_ptr<ByteStream> make_gzip_stream(ByteStream& upstream, std::size_t kept) {
  return std::make_unique<GzipStream>(upstream, kept);
}

}  // namespace stagebox::images
