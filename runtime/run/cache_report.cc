#include "runtime/run/cache_report.h"

namespace stagebox::run {

std::string_view to_string(CacheRestored restored) {
  switch (restored) {
    case CacheRestored::kHit:
      return "hit";
    case CacheRestored::kBeginning:
      return "beginning";
    case CacheRestored::kMiss:
      break;
  }
  return "miss";
}

std::string describe(const CacheReport& report) {
  std::string text = report.path + ": ";
  if (report.restored == CacheRestored::kMiss) text += "nothing to restore for " + report.key;
  if (report.restored == CacheRestored::kHit) text += "restored " + report.key;
  if (report.restored == CacheRestored::kBeginning) text += "restored from " + report.restored_key;
  if (report.saved) return text + ", saved as " + report.key;
  // That a key which was found is not saved again is how it should be.
  const bool expected = report.restored == CacheRestored::kHit || report.not_saved.empty();
  return expected ? text : text + ", not saved: " + report.not_saved;
}

}  // namespace stagebox::run
