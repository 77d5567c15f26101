#include "runtime/cli/quoted_log.h"

#include <array>
#include <cstddef>

#include "runtime/cli/text_width.h"

namespace stagebox::cli {
namespace {

constexpr char kCutMark[] = "\xe2\x80\xa6";
// Thirty lines of that still leave in view what is told around them, more or less.
constexpr std::size_t kLongestLine = 300;  // columns

}  // namespace

std::string quoted_log(const logs::LogTail& tail, logs::Showing showing) {
  // Colours of one stream are none of the other.
  std::array<logs::ShownText, 2> streams{logs::ShownText(showing), logs::ShownText(showing)};
  std::string quoted;
  for (const logs::TailLine& line : tail) {
    std::string text;
    streams.at(line.stream == logs::Stream::kStderr ? 1 : 0).append(text, line.text);
    // Also where the part that was kept takes less room, as one with many colours does.
    if (line.is_cut) text += kCutMark;
    quoted += "    | " + fit(text, kLongestLine) + "\n";
  }
  return quoted;
}

std::string quoted_service_log(const run::FailedService& service, logs::Showing showing) {
  const std::string quoted = quoted_log(service.log_tail, showing);
  if (quoted.empty()) return "    the service " + service.name + " said nothing\n";
  return "    the last that the service " + service.name + " said:\n" + quoted;
}

}  // namespace stagebox::cli
