#include "runtime/store/content/copy_bounds.h"

#include "runtime/base/units.h"

namespace stagebox::store {

base::Result<void> CopyBounds::check(std::uint64_t copied) const {
  if (copied > bytes) return base::invalid("larger than the limit of " + base::format_bytes(bytes));
  return check_not_stopped(stop);
}

base::Result<void> check_not_stopped(const std::stop_token& stop) {
  if (stop.stop_requested()) return base::cancelled("cancelled while files were being stored");
  return {};
}

}  // namespace stagebox::store
