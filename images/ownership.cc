#include "images/ownership.h"

namespace stagebox::images {

std::string LayerOwnership::suffix() const {
  if (mode == Mode::kSingle) return "-single";
  return id_shift == 0 ? "" : "-" + std::to_string(id_shift);
}

base::Result<std::uint32_t> LayerOwnership::on_disk(std::int64_t id, const char* kind) const {
  // 2^32 - 1 means "unchanged" to chown(2).
  constexpr std::int64_t kNoId = 0xffffffff;
  if (id < 0 || id >= kNoId) {
    return base::invalid(std::string("it belongs to ") + kind + " " + std::to_string(id) +
                         ", which is no valid id");
  }
  if (mode == Mode::kSingle) return 0U;
  if (id >= id_count || id + id_shift >= kNoId) {
    return base::invalid(std::string("it belongs to ") + kind + " " + std::to_string(id) +
                         ", but only ids below " + std::to_string(id_count) +
                         " are mapped here; enlarge the range of subordinate ids");
  }
  return static_cast<std::uint32_t>(id) + id_shift;
}

}  // namespace stagebox::images
