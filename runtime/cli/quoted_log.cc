#include "runtime/cli/quoted_log.h"

#include <span>
#include <string_view>

#include "runtime/base/units.h"
#include "runtime/logs/line_assembler.h"

namespace stagebox::cli {
namespace {

constexpr char kCutMark[] = "\xe2\x80\xa6";

}  // namespace

std::string quoted_log(const logs::LogTail& tail, logs::Showing showing) {
  std::string quoted;
  std::string_view mark;
  if (tail.is_cut) {
    quoted = "    only the last " + base::format_bytes(tail.text.size()) + " of its log:\n";
    mark = kCutMark;
  }
  logs::ShownText shown(showing);
  bool begins = true;
  logs::LineAssembler lines([&](const logs::Line& line) -> base::Result<void> {
    if (begins) quoted.append("    | ").append(mark);
    shown.append(quoted, line.text);
    begins = line.ends;
    if (line.ends) quoted += '\n';
    mark = "";
    return {};
  });
  const logs::Chunk chunk{logs::RecordKind::kStdout, {}, std::as_bytes(std::span(tail.text))};
  // Nothing that the function above does can fail.
  (void)lines.add(chunk);
  (void)lines.finish();
  return begins ? quoted : quoted + "\n";
}

}  // namespace stagebox::cli
