#include "runtime/logs/workflow_command.h"

#include <algorithm>
#include <array>

#include "runtime/base/parse_number.h"
#include "runtime/logs/shown_text.h"

namespace stagebox::logs {
namespace {

constexpr std::size_t kMostProperties = 16;

struct Escape {
  std::string_view written;
  char meant;
  bool in_properties_only;
};
constexpr std::array kEscapes{Escape{"%25", '%', false}, Escape{"%0D", '\r', false},
                              Escape{"%0A", '\n', false}, Escape{"%3A", ':', true},
                              Escape{"%2C", ',', true}};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = lower(c);
  return result;
}

bool is_written_here(std::string_view text, const Escape& escape) {
  return text.size() >= escape.written.size() &&
         std::equal(escape.written.begin(), escape.written.end(), text.begin(),
                    [](char a, char b) { return a == upper(b); });
}

// Each escape once, from the left: "%250A" is "%0A".
std::string unescaped(std::string_view text, bool is_property) {
  std::string result;
  while (!text.empty()) {
    const auto* const found = std::ranges::find_if(kEscapes, [&](const Escape& escape) {
      return (is_property || !escape.in_properties_only) && is_written_here(text, escape);
    });
    result += found == kEscapes.end() ? text.front() : found->meant;
    text.remove_prefix(found == kEscapes.end() ? 1 : found->written.size());
  }
  return result;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::vector<std::pair<std::string, std::string>> parse_properties(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> properties;
  while (!text.empty() && properties.size() < kMostProperties) {
    const std::string_view one = text.substr(0, text.find(','));
    const std::size_t equals = one.find('=');
    const std::string_view key = trimmed(one.substr(0, equals));
    if (equals != std::string_view::npos && !key.empty())
      properties.emplace_back(lower(key), unescaped(one.substr(equals + 1), true));
    text.remove_prefix(std::min(one.size() + 1, text.size()));
  }
  return properties;
}

bool is_name(std::string_view text) {
  return !text.empty() && text.find_first_of(" \t:,=") == std::string_view::npos;
}

std::uint64_t number(std::string_view text) {
  return base::parse_number<std::uint64_t>(text).value_or(0);
}

std::string limited(std::string_view text) {
  return std::string(text.substr(0, Annotations::kLongestText));
}

}  // namespace

std::string_view WorkflowCommand::property(std::string_view key) const {
  const auto found =
      std::ranges::find(properties, key, &std::pair<std::string, std::string>::first);
  return found == properties.end() ? std::string_view() : found->second;
}

std::optional<WorkflowCommand> parse_workflow_command(std::string_view line) {
  if (line.size() > kLongestCommand) return std::nullopt;
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  if (!line.starts_with("::")) return std::nullopt;
  // Before escapes are undone, as the masking of secrets saw the line: what it took for a sequence
  // and looked past is what goes. And before a "::" is looked for, which a colour can have.
  const std::string text = without_sequences(line.substr(2));
  line = text;
  const std::size_t end = line.find("::");
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view head = line.substr(0, end);
  const std::string_view name = head.substr(0, head.find(' '));
  if (!is_name(name)) return std::nullopt;
  return WorkflowCommand{lower(name), parse_properties(trimmed(head.substr(name.size()))),
                         unescaped(line.substr(end + 2), false)};
}

std::string_view level_name(Annotation::Level level) {
  switch (level) {
    case Annotation::Level::kError:
      return "error";
    case Annotation::Level::kWarning:
      return "warning";
    case Annotation::Level::kNotice:
      break;
  }
  return "notice";
}

bool CommandGate::lets_through(const WorkflowCommand& command) {
  if (!stopped_until_.empty()) {
    if (command.name == stopped_until_) stopped_until_.clear();
    return false;
  }
  if (command.name != "stop-commands") return true;
  stopped_until_ = lower(limited(trimmed(command.message)));
  return false;
}

void Annotations::add(const Line& line) {
  if (!line.begins || line.kind == RecordKind::kNotice) return;
  if (line.text.find("::") == std::string_view::npos) return;
  const auto command = parse_workflow_command(line.text);
  if (!command) return;
  if (gate_.lets_through(*command)) carry_out(*command);
}

void Annotations::carry_out(const WorkflowCommand& command) {
  if (command.name == "error") return annotate(Annotation::Level::kError, command);
  if (command.name == "warning") return annotate(Annotation::Level::kWarning, command);
  if (command.name == "notice") return annotate(Annotation::Level::kNotice, command);
  if (command.name == "group") {
    if (groups_.size() < kDeepest)
      groups_.push_back(command.message.substr(0, kLongestGroup));
    else
      ++too_deep_;
  }
  if (command.name == "endgroup") {
    if (too_deep_ > 0)
      --too_deep_;
    else if (!groups_.empty())
      groups_.pop_back();
  }
}

void Annotations::annotate(Annotation::Level level, const WorkflowCommand& command) {
  if (list_.size() >= kMost) {
    ++dropped_;
    return;
  }
  Annotation annotation;
  annotation.level = level;
  annotation.file = limited(command.property("file"));
  annotation.line = number(command.property("line"));
  annotation.end_line = number(command.property("endline"));
  const std::string_view column = command.property("col");
  annotation.column = number(column.empty() ? command.property("column") : column);
  annotation.end_column = number(command.property("endcolumn"));
  annotation.title = limited(command.property("title"));
  annotation.message = limited(command.message);
  annotation.groups = groups_;
  list_.push_back(std::move(annotation));
}

}  // namespace stagebox::logs
