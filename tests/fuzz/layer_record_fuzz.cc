// Fuzzes the decoders of what the store keeps about a layer: what they accept is what they write.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>
#include <utility>

#include "images/layer/layer_record.h"
#include "images/layer/snapshot_entry.h"

namespace {

using namespace stagebox;
using namespace stagebox::images;

void require(bool condition) {
  if (!condition) std::abort();
}

class OnePiece final : public ByteStream {
 public:
  explicit OnePiece(std::span<const std::byte> bytes) : bytes_(bytes) {}
  base::Result<std::span<const std::byte>> next() override { return std::exchange(bytes_, {}); }

 private:
  std::span<const std::byte> bytes_;
};

void check_pieces(std::span<const std::byte> bytes) {
  OnePiece stream(bytes);
  RecordDecoder decoder(stream);
  for (auto piece = decoder.next(); piece.ok(); piece = decoder.next()) {
    const std::string text = encode_piece(*piece);
    OnePiece again(std::as_bytes(std::span(text)));
    const auto same = RecordDecoder(again).next();
    require(same.ok() && *same == *piece);
    if (piece->kind == RecordPiece::Kind::kEnd) return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  check_pieces(std::as_bytes(std::span(data, size)));
  const auto entry = decode_entry({reinterpret_cast<const char*>(data), size});
  if (entry.ok()) {
    const auto again = decode_entry(encode_entry(*entry));
    require(again.ok() && *again == *entry);
    require(describe_difference(*entry, *again).empty());
  }
  return 0;
}
