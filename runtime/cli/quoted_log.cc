#include "runtime/cli/quoted_log.h"

#include <array>

namespace stagebox::cli {
namespace {

constexpr char kCutMark[] = "\xe2\x80\xa6";

}  // namespace

std::string quoted_log(const logs::LogTail& tail, logs::Showing showing) {
  // Colours of one stream are none of the other.
  std::array<logs::ShownText, 2> streams{logs::ShownText(showing), logs::ShownText(showing)};
  std::string quoted;
  for (const logs::TailLine& line : tail) {
    quoted += "    | ";
    streams.at(line.stream == logs::Stream::kStderr ? 1 : 0).append(quoted, line.text);
    if (line.is_cut) quoted += kCutMark;
    quoted += '\n';
  }
  return quoted;
}

}  // namespace stagebox::cli
