#include "runtime/logs/log_watch.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "runtime/base/byte_text.h"
#include "runtime/logs/command_mark.h"
#include "runtime/logs/shown_text.h"

namespace stagebox::logs {
namespace {

constexpr std::string_view kBlanks = " \t";
constexpr std::string_view kEllipsis = "\u2026";

std::size_t index_of(Stream stream) { return static_cast<std::size_t>(stream); }

bool is_blank(char c) { return kBlanks.find(c) != std::string_view::npos; }

/// Where the last line begins that has no line break.
std::size_t begin_of_rest(std::string_view text) {
  const void* const last = ::memrchr(text.data(), '\n', text.size());
  if (last == nullptr) return 0;
  return static_cast<std::size_t>(static_cast<const char*>(last) - text.data()) + 1;
}

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

void LogWatch::add(Stream stream, std::span<const std::byte> bytes, Marks marks) {
  const std::string_view text = base::text_of(bytes);
  if (text.empty()) return;
  look_for_commands(stream, text, marks);
  if (keeps_last_) keep_end(stream, text);
}

void LogWatch::keep_end(Stream stream, std::string_view text) {
  const std::string_view kept = text.substr(text.size() - std::min(text.size(), kLongestLast));
  const std::scoped_lock lock(mutex_);
  std::string& end = ends_.at(index_of(stream)).text;
  // Up to twice as much is kept, so that each byte is moved about once.
  if (end.size() + kept.size() > 2 * kLongestLast)
    end.erase(0, std::min(end.size(), end.size() + kept.size() - kLongestLast));
  end += kept;
  last_ = stream;
}

void LogWatch::set_held_back(Stream stream, bool held_back) {
  if (!keeps_last_) return;
  const std::scoped_lock lock(mutex_);
  ends_.at(index_of(stream)).held_back = held_back;
}

void LogWatch::look_for_commands(Stream stream, std::string_view text, Marks marks) {
  Candidate& line = lines_.at(index_of(stream));
  const std::size_t end = text.find('\n');
  line.add(text.substr(0, end));
  if (end == std::string_view::npos) return;
  end_line(stream, line);
  text.remove_prefix(end + 1);
  const std::size_t rest = begin_of_rest(text);
  if (marks == Marks::kUnknown) look_at_lines(stream, text.substr(0, rest));
  line.add(text.substr(rest));
}

void LogWatch::Candidate::add(std::string_view part) {
  if (is_none) return;
  const bool is_decided = text.find_first_not_of(kBlanks) != std::string::npos;
  is_none =
      (!is_decided && !can_be_command(part)) || text.size() + part.size() > kLongestCommand + 1;
  if (!is_none) text += part;
}

// Whole ones, each with its line break.
void LogWatch::look_at_lines(Stream stream, std::string_view lines) {
  std::size_t mark = find_command_mark(lines, 0);
  while (mark != std::string_view::npos) {
    std::size_t begin = mark;
    while (begin > 0 && is_blank(lines[begin - 1])) --begin;
    const std::size_t end = lines.find('\n', mark);
    if (begin == 0 || lines[begin - 1] == '\n') tell(stream, lines.substr(begin, end - begin));
    mark = find_command_mark(lines, end + 1);
  }
}

void LogWatch::tell(Stream stream, std::string_view line) {
  while (line.ends_with('\r')) line.remove_suffix(1);
  const RecordKind kind = stream == Stream::kStdout ? RecordKind::kStdout : RecordKind::kStderr;
  annotations_.add({kind, std::nullopt, line, true, true});
}

void LogWatch::end_line(Stream stream, Candidate& line) {
  if (!line.is_none && !line.text.empty()) tell(stream, line.text);
  line.text.clear();
  line.is_none = false;
}

void LogWatch::finish() {
  for (const Stream stream : {Stream::kStdout, Stream::kStderr}) {
    end_line(stream, lines_.at(index_of(stream)));
    set_held_back(stream, false);
  }
}

std::string LogWatch::End::last_line() const {
  std::string line(last_line_of(text));
  // What is held back is of this line, or of one of which nothing is known yet.
  const bool is_open = !line.empty() && !text.ends_with('\n') && !text.ends_with('\r');
  if (held_back && is_open) line += kEllipsis;
  return line;
}

std::string LogWatch::last_line() const {
  std::string raw;
  {
    const std::scoped_lock lock(mutex_);
    raw = ends_.at(index_of(last_)).last_line();
    if (raw.empty()) raw = ends_.at(1 - index_of(last_)).last_line();
  }
  // Where a tab leads to depends on where it stands.
  std::ranges::replace(raw, '\t', ' ');
  std::string shown;
  ShownText(Showing::kText).append(shown, raw);
  return shown;
}

}  // namespace stagebox::logs
