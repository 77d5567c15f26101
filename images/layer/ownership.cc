#include "images/layer/ownership.h"

#include <algorithm>

namespace stagebox::images {
namespace {

// 2^32 - 1 means "unchanged" to chown(2).
constexpr std::int64_t kNoId = 0xffffffff;
// What the kernel shows for ids that are not mapped (/proc/sys/kernel/overflowuid).
constexpr std::uint32_t kNobody = 65534;

}  // namespace

std::string LayerOwnership::suffix() const {
  if (mode == Mode::kSingle) return "-single";
  return id_shift == 0 ? "" : "-" + std::to_string(id_shift);
}

bool LayerOwnership::is_mapped(std::int64_t id) const {
  if (id < 0 || id >= kNoId) return false;
  return mode == Mode::kSingle || (id < id_count && id + id_shift < kNoId);
}

base::Result<std::uint32_t> LayerOwnership::on_disk(std::int64_t id, const char* kind) const {
  if (!is_mapped(id) && unmapped == Unmapped::kSquash) {
    return mode == Mode::kSingle ? 0U : std::min(kNobody, id_count - 1) + id_shift;
  }
  if (id < 0 || id >= kNoId) {
    return base::invalid(std::string("it belongs to ") + kind + " " + std::to_string(id) +
                         ", which is no valid id; import with --squash-ids to give such files to "
                         "nobody");
  }
  if (mode == Mode::kSingle) return 0U;
  if (!is_mapped(id)) {
    return base::invalid(std::string("it belongs to ") + kind + " " + std::to_string(id) +
                         ", but only ids below " + std::to_string(id_count) +
                         " are mapped here; enlarge the range of subordinate ids, or import with "
                         "--squash-ids, which gives such files to nobody");
  }
  return static_cast<std::uint32_t>(id) + id_shift;
}

}  // namespace stagebox::images
