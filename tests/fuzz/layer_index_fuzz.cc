// Fuzzes what a worker says of a layer's files: what is accepted has one encoding, and becomes a
// file system whose every number lies within it, whatever the numbers were.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>

#include "images/layer/erofs_writer.h"
#include "images/layer/index_settler.h"
#include "images/layer/layer_index.h"

namespace {

using namespace stagebox;
using namespace stagebox::images;

constexpr std::uint64_t kArchive = 1ULL << 20U;
constexpr std::uint64_t kBlock = 512;
constexpr std::uint64_t kRoot = 1024 + 14;  // of its number, in the superblock

void require(bool condition) {
  if (!condition) std::abort();
}

std::uint64_t number(std::span<const std::byte> image, std::uint64_t at, std::size_t bytes) {
  require(at + bytes <= image.size());
  std::uint64_t value = 0;
  for (std::size_t i = bytes; i-- > 0;) {
    value = value << 8U | static_cast<std::uint64_t>(image[at + i]);
  }
  return value;
}

/// A reader of our own: counts the names, and goes wherever the image leads.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> image) : image_(image) {}

  void directory(std::uint64_t inode, int depth) {
    require(depth <= 300);
    const std::uint64_t size = number(image_, inode + 8, 8);
    const std::uint64_t layout = number(image_, inode, 2) >> 1U;
    const std::uint64_t slots = number(image_, inode + 2, 2);
    const std::uint64_t xattrs = slots == 0 ? 0 : 12 + 4 * (slots - 1);
    const std::uint64_t data =
        layout == 0 ? number(image_, inode + 16, 4) * kBlock : inode + 64 + xattrs;
    require(size >= 27 && data + size <= image_.size());
    require(layout == 0 || data / kBlock == (data + size - 1) / kBlock);
    for (std::uint64_t at = 0; at < size; at += kBlock) {
      block(data + at, std::min(kBlock, size - at), depth);
    }
  }

  [[nodiscard]] std::size_t names() const { return names_; }

 private:
  void block(std::uint64_t at, std::uint64_t size, int depth) {
    const std::uint64_t count = number(image_, at + 8, 2) / 12;
    require(count > 0 && number(image_, at + 8, 2) % 12 == 0);
    std::string before;
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t start = number(image_, at + i * 12 + 8, 2);
      const std::uint64_t end = i + 1 < count ? number(image_, at + i * 12 + 20, 2) : size;
      require(start < end && end <= size);
      std::string name(reinterpret_cast<const char*>(image_.data()) + at + start, end - start);
      name.resize(std::strlen(name.c_str()));  // the last one may be filled up with zeros
      require(!name.empty() && (i == 0 || before < name));
      const std::uint64_t inode = number(image_, at + i * 12, 8) * 32;
      const bool is_directory = (number(image_, inode + 4, 2) & 0170000U) == 0040000U;
      if (name != "." && name != "..") {
        ++names_;
        if (is_directory) directory(inode, depth + 1);
      }
      before = name;
    }
  }

  std::span<const std::byte> image_;
  std::size_t names_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  auto index = decode_index(bytes, kArchive, LayerOwnership(), Limits());
  if (!index.ok()) return 0;
  const std::string again = encode_index(*index);
  require(again.size() == size && std::memcmp(again.data(), data, size) == 0);
  LayerStats stats;
  require(settle_index(*index, ParentView(), LayerOwnership(), stats).ok());
  std::size_t names = 0;
  for (const IndexNode& node : index->nodes) names += node.is_dropped ? 0 : 1;
  const auto image = write_erofs(*index, kArchive);
  require(image.size() % kBlock == 0);
  Reader reader(image);
  reader.directory(number(image, kRoot, 2) * 32, 0);
  require(reader.names() + 1 == names);
  return 0;
}
