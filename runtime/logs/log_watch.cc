#include "runtime/logs/log_watch.h"

#include <algorithm>
#include <optional>

#include "runtime/base/byte_text.h"
#include "runtime/logs/shown_text.h"

namespace stagebox::logs {
namespace {

constexpr std::string_view kBlanks = " \t";

std::size_t index_of(Stream stream) { return static_cast<std::size_t>(stream); }

/// Whether a line that begins so can be a command.
bool can_be_command(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  return first == std::string_view::npos || text[first] == ':';
}

/// The last line of a text that has more than blanks, as a terminal shows it.
std::string_view last_line_of(std::string_view text) {
  const std::size_t last = text.find_last_not_of(" \t\r\n");
  if (last == std::string_view::npos) return "";
  text = text.substr(0, last + 1);
  return text.substr(text.find_last_of("\r\n") + 1);
}

}  // namespace

void LogWatch::add(Stream stream, std::span<const std::byte> bytes) {
  const std::string_view text = base::text_of(bytes);
  if (text.empty()) return;
  look_for_commands(stream, text);
  const std::string_view kept = text.substr(text.size() - std::min(text.size(), kLongestLast));
  const std::scoped_lock lock(mutex_);
  std::string& end = ends_.at(index_of(stream));
  // Up to twice as much is kept, so that each byte is moved about once.
  if (end.size() + kept.size() > 2 * kLongestLast)
    end.erase(0, std::min(end.size(), end.size() + kept.size() - kLongestLast));
  end += kept;
  last_ = stream;
}

void LogWatch::look_for_commands(Stream stream, std::string_view text) {
  Candidate& line = lines_.at(index_of(stream));
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view part = text.substr(0, end);
    if (!line.is_none) {
      const bool is_decided = line.text.find_first_not_of(kBlanks) != std::string::npos;
      line.is_none = (!is_decided && !can_be_command(part)) ||
                     line.text.size() + part.size() > kLongestCommand + 1;
      if (!line.is_none) line.text += part;
    }
    if (end == std::string_view::npos) return;
    end_line(stream, line);
    text.remove_prefix(end + 1);
  }
}

void LogWatch::end_line(Stream stream, Candidate& line) {
  if (!line.is_none && !line.text.empty()) {
    std::string_view text = line.text;
    while (text.ends_with('\r')) text.remove_suffix(1);
    const RecordKind kind = stream == Stream::kStdout ? RecordKind::kStdout : RecordKind::kStderr;
    annotations_.add({kind, std::nullopt, text, true, true});
  }
  line.text.clear();
  line.is_none = false;
}

void LogWatch::finish() {
  for (const Stream stream : {Stream::kStdout, Stream::kStderr})
    end_line(stream, lines_.at(index_of(stream)));
}

std::string LogWatch::last_line() const {
  std::string raw;
  {
    const std::scoped_lock lock(mutex_);
    raw = last_line_of(ends_.at(index_of(last_)));
    if (raw.empty()) raw = last_line_of(ends_.at(1 - index_of(last_)));
  }
  // Where a tab leads to depends on where it stands.
  std::ranges::replace(raw, '\t', ' ');
  std::string shown;
  ShownText(Showing::kText).append(shown, raw);
  return shown;
}

}  // namespace stagebox::logs
