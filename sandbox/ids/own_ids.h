// OwnIds: which ids this process's user namespace has. The machine's first one has all of them;
// that of a container may have a few thousand, or one.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"
#include "sandbox/ids/user_namespace.h"

namespace stagebox::sandbox {

/// Parsed /proc/PID/uid_map or gid_map (user_namespaces(7)): ids as they are called inside.
class OwnIds {
 public:
  static OwnIds parse(std::string_view map);
  static base::Result<OwnIds> of_users();
  static base::Result<OwnIds> of_groups();

  /// Whether all of [first, first + count) are there, in one piece, as a map made of them has to
  /// be.
  [[nodiscard]] bool has(std::uint32_t first, std::uint64_t count) const;
  /// The largest piece without id 0, which is who we are; none when there is no other id.
  [[nodiscard]] std::optional<SubordinateRange> beside_root() const;

 private:
  std::vector<SubordinateRange> pieces_;
};

}  // namespace stagebox::sandbox
