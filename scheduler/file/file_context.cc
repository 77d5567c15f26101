#include "scheduler/file/file_context.h"

#include <string>

namespace stagebox::scheduler {

bool FileContext::within(std::size_t count, std::size_t limit, std::string_view what,
                         Position position) const {
  if (count <= limit) return true;
  diagnostics.add(position, "found " + std::to_string(count) + " " + std::string(what) +
                                "; the limit is " + std::to_string(limit));
  return false;
}

}  // namespace stagebox::scheduler
