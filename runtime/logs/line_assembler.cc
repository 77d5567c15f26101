#include "runtime/logs/line_assembler.h"

#include <algorithm>

#include "runtime/base/byte_text.h"

namespace stagebox::logs {
namespace {

using base::Result;

// What a terminal would show of a line in the end, more or less: a shorter text does not take all
// of a longer one back there.
std::string_view after_returns(std::string_view line) {
  while (line.ends_with('\r')) line.remove_suffix(1);
  const std::size_t last = line.rfind('\r');
  return last == std::string_view::npos ? line : line.substr(last + 1);
}

}  // namespace

Result<void> LineAssembler::add(const Chunk& chunk) {
  if (chunk.kind == RecordKind::kNotice)
    return sink_({chunk.kind, chunk.time, base::text_of(chunk.bytes), true, true});
  const std::string_view text = TRY(pass_unknown(chunk, base::text_of(chunk.bytes)));
  return add_text(chunk, text);
}

void LineAssembler::begin_within(const BetweenLines& between_lines) {
  pending(RecordKind::kStdout).is_unknown = !between_lines[0];
  pending(RecordKind::kStderr).is_unknown = !between_lines[1];
}

// What is behind the line whose beginning was not seen.
Result<std::string_view> LineAssembler::pass_unknown(const Chunk& chunk, std::string_view text) {
  Pending& line = pending(chunk.kind);
  if (!line.is_unknown) return text;
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::string_view();
  line.is_unknown = false;
  TRY(sink_({chunk.kind, std::nullopt, "", false, true, true}));
  return text.substr(end + 1);
}

Result<void> LineAssembler::add_text(const Chunk& chunk, std::string_view text) {
  Pending& line = pending(chunk.kind);
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view part = text.substr(0, end);
    if (line.text.empty() && !line.has_begun) line.time = chunk.time;
    if (end != std::string_view::npos && line.text.empty()) {
      TRY(emit_line(line, chunk.kind, part, true));
    } else {
      TRY(extend(line, chunk, part));
      if (end != std::string_view::npos) TRY(emit_line(line, chunk.kind, line.text, true));
    }
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return {};
}

Result<void> LineAssembler::extend(Pending& pending, const Chunk& chunk, std::string_view text) {
  pending.text.append(text);
  if (pending.text.size() < kMaxPiece) return {};
  // What was taken back needs no room; the last return itself stays, an LF may follow it.
  const std::size_t last = pending.text.find_last_not_of('\r');
  const std::size_t back = last == std::string::npos ? last : pending.text.rfind('\r', last);
  if (back != std::string::npos) pending.text.erase(0, back + 1);
  if (last == std::string::npos) pending.text.assign(1, '\r');
  while (pending.text.size() >= kMaxPiece) {
    const std::string piece = pending.text.substr(0, kMaxPiece);
    std::string rest = pending.text.substr(kMaxPiece);
    TRY(emit(pending, chunk.kind, piece, false));
    pending.text = std::move(rest);
  }
  return {};
}

Result<void> LineAssembler::emit_line(Pending& pending, RecordKind kind, std::string_view text,
                                      bool ends) {
  const std::string_view left = after_returns(text);
  const bool took_back = left.data() != text.data();
  if (took_back && pending.is_shown) pending.has_begun = false;
  return emit(pending, kind, left, ends);
}

Result<void> LineAssembler::emit(Pending& pending, RecordKind kind, std::string_view text,
                                 bool ends) {
  auto done = sink_({kind, pending.time, text, !pending.has_begun, ends});
  pending.text.clear();
  pending.has_begun = !ends;
  if (ends) pending.is_shown = false;
  return done;
}

Result<void> LineAssembler::show_begun() {
  for (const RecordKind kind : {RecordKind::kStdout, RecordKind::kStderr}) {
    Pending& line = pending(kind);
    if (line.text.empty() || line.text.find('\r') != std::string::npos) continue;
    TRY(emit(line, kind, line.text, false));
    line.is_shown = true;
  }
  return {};
}

Result<void> LineAssembler::finish() {
  for (const RecordKind kind : {RecordKind::kStdout, RecordKind::kStderr}) {
    Pending& line = pending(kind);
    if (line.is_unknown) TRY(sink_({kind, std::nullopt, "", false, false, true}));
    if (!line.text.empty()) TRY(emit_line(line, kind, line.text, false));
    line = Pending();
  }
  return {};
}

}  // namespace stagebox::logs
