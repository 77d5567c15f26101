// LayerOwnership: how the ids of an image become ids of files on disk. Layers that differ in this
// are different layers in the store.
#pragma once

#include <cstdint>
#include <string>

#include "runtime/base/result.h"

namespace stagebox::images {

struct LayerOwnership {
  enum class Mode {
    kMapped,  ///< On disk: id + id_shift. An id of id_count or more is an error.
    kSingle,  ///< Every file belongs to the caller: for users without subordinate ids.
  };
  /// What becomes of an id that is not mapped, or is none at all.
  enum class Unmapped {
    kRefuse,
    kSquash,  ///< It becomes nobody's: 65534, or the last one that is mapped.
  };
  Mode mode = Mode::kMapped;
  Unmapped unmapped = Unmapped::kRefuse;
  std::uint32_t id_shift = 0;
  std::uint32_t id_count = 65536;

  /// What tells the layers of this ownership from others in the store: "", "-100000", "-single".
  [[nodiscard]] std::string suffix() const;
  [[nodiscard]] bool is_mapped(std::int64_t id) const;
  /// The id on disk. Unless they are squashed, kInvalid for negative ids, ids that no kernel has,
  /// and ids out of range. kSingle: 0 stands for any, nothing is changed.
  [[nodiscard]] base::Result<std::uint32_t> on_disk(std::int64_t id, const char* kind) const;
};

}  // namespace stagebox::images
