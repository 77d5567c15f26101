#include "sandbox/ids/own_ids.h"

#include <sstream>
#include <string>

#include "runtime/base/files.h"

namespace stagebox::sandbox {
namespace {

using base::Result;

// The kernel takes 340 lines.
constexpr std::size_t kMostBytes = std::size_t{64} << 10U;

}  // namespace

OwnIds OwnIds::parse(std::string_view map) {
  OwnIds ids;
  std::istringstream lines{std::string(map)};
  std::uint32_t inside = 0;
  std::uint32_t outside = 0;
  std::uint32_t count = 0;
  while (lines >> inside >> outside >> count) ids.pieces_.push_back({inside, count});
  return ids;
}

Result<OwnIds> OwnIds::of_users() {
  return parse(TRY(base::read_file("/proc/self/uid_map", kMostBytes)));
}

Result<OwnIds> OwnIds::of_groups() {
  return parse(TRY(base::read_file("/proc/self/gid_map", kMostBytes)));
}

bool OwnIds::has(std::uint32_t first, std::uint64_t count) const {
  for (const SubordinateRange& piece : pieces_) {
    const std::uint64_t end = std::uint64_t{piece.first} + piece.count;
    if (piece.first <= first && first + count <= end) return true;
  }
  return false;
}

std::optional<SubordinateRange> OwnIds::beside_root() const {
  std::optional<SubordinateRange> best;
  for (SubordinateRange piece : pieces_) {
    if (piece.first == 0 && piece.count > 0) piece = {1, piece.count - 1};
    if (piece.count > 0 && (!best || best->count < piece.count)) best = piece;
  }
  return best;
}

}  // namespace stagebox::sandbox
