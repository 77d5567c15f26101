#include "runtime/run/secrets/mask_commands.h"

#include <algorithm>
#include <utility>

#include "runtime/base/byte_text.h"
#include "runtime/logs/command_mark.h"

namespace stagebox::run {
namespace {

using Answer = AddedMasks::Answer;

constexpr std::string_view kAddMask = "add-mask";
constexpr std::string_view kHidden = "::add-mask::***";
constexpr std::string_view kBeforeCommand = " \t";

bool is_space(char c) { return kBeforeCommand.find(c) != std::string_view::npos; }
bool is_break(char c) { return c == '\n' || c == '\r'; }

/// Whether only blanks are before `at` in its line. `is_blank`: before the text.
bool begins_line(std::string_view text, std::size_t at, bool is_blank) {
  while (at > 0 && is_space(text[at - 1])) --at;
  return at == 0 ? is_blank : is_break(text[at - 1]);
}

/// Where a command may begin: its mark, or the half of it at the end; npos: nowhere. `mark`: where
/// the first mark is.
std::size_t find_command(std::string_view text, bool is_blank, std::size_t mark) {
  for (std::size_t at = mark; at != std::string_view::npos;
       at = logs::find_command_mark(text, at + 1)) {
    if (begins_line(text, at, is_blank)) return at;
  }
  const bool has_half = text.ends_with(':') && begins_line(text, text.size() - 1, is_blank);
  return has_half ? text.size() - 1 : std::string_view::npos;
}

std::string_view reason(Answer answer) {
  switch (answer) {
    case Answer::kTooShort:
      return "it is shorter than 4 bytes, and would be masked everywhere";
    case Answer::kTooMuch:
      return "a stage has at most 100 of them, with 16 KiB together";
    case Answer::kNoMemory:
      return "there is not enough memory that can be locked (`ulimit -l`)";
    case Answer::kAdded:
      break;
  }
  return "";
}

}  // namespace

MaskCommands::Passing MaskCommands::pass(logs::Stream stream, std::span<const std::byte> bytes) {
  Line& line = this->line(stream);
  const std::string_view text = base::text_of(bytes);
  if (masks_any() || line.is_dropped || !line.held.empty()) return Passing::kNot;
  if (text.empty()) return Passing::kWithoutMarks;
  const std::size_t mark = logs::find_command_mark(text, 0);
  if (find_command(text, line.is_blank, mark) != std::string_view::npos) return Passing::kNot;
  line.is_blank = begins_line(text, text.size(), line.is_blank);
  return mark != std::string_view::npos ? Passing::kWithMarks : Passing::kWithoutMarks;
}

void MaskCommands::feed(logs::Stream stream, std::span<const std::byte> bytes, std::string& out) {
  Line& line = this->line(stream);
  std::string_view text = base::text_of(bytes);
  while (!text.empty()) {
    if (line.is_dropped)
      text = drop(line, text);
    else if (!line.held.empty())
      text = hold(line, text, out);
    else
      text = tell_text(line, text, out);
  }
}

std::string_view MaskCommands::drop(Line& line, std::string_view text) {
  const std::size_t end = std::min(text.find_first_of("\n\r"), text.size());
  line.is_dropped = end == text.size();
  return text.substr(end);
}

std::string_view MaskCommands::hold(Line& line, std::string_view text, std::string& out) {
  const std::size_t end = std::min(text.find_first_of("\n\r"), text.size());
  const std::size_t room = logs::kLongestCommand + 1 - line.held.size();
  line.held += text.substr(0, std::min(end, room));
  if (line.held.size() > 1 && !line.held.starts_with(logs::kCommandMark)) {
    tell(line, std::exchange(line.held, ""), out);
  } else if (end > room || line.held.size() > logs::kLongestCommand) {
    take_overlong(line, out);
  } else if (end < text.size()) {
    take_line(line, out);
  }
  return text.substr(std::min(end, room));
}

std::string_view MaskCommands::tell_text(Line& line, std::string_view text, std::string& out) {
  const std::size_t mark = logs::find_command_mark(text, 0);
  const std::size_t at = std::min(find_command(text, line.is_blank, mark), text.size());
  tell(line, text.substr(0, at), out);
  if (at < text.size()) line.held = text[at];
  return text.substr(std::min(at + 1, text.size()));
}

// A whole line that may be a command.
void MaskCommands::take_line(Line& line, std::string& out) {
  const std::string text = std::exchange(line.held, "");
  tell(line, asks(text) ? kHidden : std::string_view(text), out);
}

// Longer than any command: if it asks, nobody reads for what.
void MaskCommands::take_overlong(Line& line, std::string& out) {
  const auto command =
      logs::parse_workflow_command(std::string_view(line.held).substr(0, logs::kLongestCommand));
  if (!command || command->name != kAddMask || !gate_.lets_through(*command))
    return tell(line, std::exchange(line.held, ""), out);
  line.held.clear();
  line.is_dropped = true;
  note(Answer::kTooMuch);
  tell(line, kHidden, out);
}

// Whether the line is a command to mask something, which is carried out.
bool MaskCommands::asks(std::string_view line) {
  const auto command = logs::parse_workflow_command(line);
  if (!command || !gate_.lets_through(*command) || command->name != kAddMask) return false;
  // A secret of the run is known.
  if (command->message != kMask) note(masks_.add(command->message));
  return true;
}

void MaskCommands::note(Answer answer) {
  if (answer == Answer::kAdded) return;
  bool& is_said = is_said_.at(static_cast<std::size_t>(answer));
  if (std::exchange(is_said, true)) {
    ++refused_silently_;
    return;
  }
  refusals_.push_back("a value of ::add-mask:: is not masked: " + std::string(reason(answer)));
}

void MaskCommands::tell(Line& line, std::string_view text, std::string& out) {
  if (text.empty()) return;
  line.is_blank = begins_line(text, text.size(), line.is_blank);
  Masker& known = line.masker;
  if (known.automaton != masks_.automaton()) {
    auto automaton = masks_.automaton();
    auto next = std::make_unique<SecretMasker>(*automaton);
    if (known.masker) known.masker->hand_over(*next, out);
    known.masker = std::move(next);
    known.automaton = std::move(automaton);
  }
  if (known.masker)
    known.masker->feed(std::as_bytes(std::span(text)), out);
  else
    out += text;
}

void MaskCommands::finish(logs::Stream stream, std::string& out, SecretMasker::End end) {
  Line& line = this->line(stream);
  if (!line.held.empty()) take_line(line, out);
  if (line.masker.masker) line.masker.masker->finish(out, end);
  line = Line();
}

bool MaskCommands::holds_any(logs::Stream stream) const {
  const Line& line = lines_.at(static_cast<std::size_t>(stream));
  return !line.held.empty() || (line.masker.masker && line.masker.masker->holds_any());
}

std::vector<std::string> MaskCommands::take_refusals() { return std::exchange(refusals_, {}); }

}  // namespace stagebox::run
