#include "runtime/base/path_patterns.h"

#include <cstddef>
#include <optional>
#include <ranges>
#include <utility>

#include "runtime/base/name_pattern.h"
#include "runtime/base/printable.h"

namespace stagebox::base {
namespace {

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t slash = path.find('/');
    parts.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return parts;
    path.remove_prefix(slash + 1);
  }
}

/// As name_matches goes back to the last star, this goes back to the last "**".
bool path_matches(const std::vector<std::string>& pattern,
                  const std::vector<std::string_view>& path) {
  std::size_t p = 0;
  std::size_t n = 0;
  std::optional<std::size_t> after_star;
  std::size_t resume = 0;
  while (n < path.size()) {
    if (p < pattern.size() && pattern[p] == "**") {
      after_star = ++p;
      resume = n;
    } else if (p < pattern.size() && name_matches(pattern[p], path[n])) {
      ++p;
      ++n;
    } else if (after_star) {
      p = *after_star;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == "**") ++p;
  return p == pattern.size();
}

Error bad(std::string_view pattern, std::string_view why) {
  return invalid("the pattern " + printable(pattern) + " " + std::string(why));
}

/// The CR of a file with CRLF, what is behind a NUL, and spaces at the end, but for one that a
/// backslash stands for. Of two backslashes the first stands for the second.
std::string_view without_end(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  line = line.substr(0, line.find('\0'));
  const std::string_view kept = line.substr(0, line.find_last_not_of(' ') + 1);
  const std::size_t backslashes = kept.size() - (kept.find_last_not_of('\\') + 1);
  return line.substr(0, kept.size() + backslashes % 2);
}

/// Git takes more than two stars for two.
bool spans_components(std::string_view component) {
  return component.starts_with("**") && component.find_first_not_of('*') == std::string_view::npos;
}

/// Of `rest`, what is left of `pattern`.
Result<std::vector<std::string>> parse_components(std::string_view rest, std::string_view pattern) {
  std::vector<std::string> components;
  for (;;) {
    const std::size_t end = name_pattern_end(rest);
    const std::string_view component = rest.substr(0, end);
    rest.remove_prefix(end);
    if (component.empty() || component == "." || component == "..") {
      return bad(pattern,
                 "has an empty, \".\" or \"..\" component; patterns start at the input's "
                 "own directory");
    }
    if (const auto mistake = name_pattern_mistake(component)) return bad(pattern, *mistake);
    if (spans_components(component)) {
      // "a/**" is what is in a, not a itself: at least one component. So is, to git, "a/**\/b".
      if (!rest.starts_with('/')) components.emplace_back("*");
      components.emplace_back("**");
    } else {
      components.emplace_back(component);
    }
    if (rest.empty()) return components;
    rest.remove_prefix(rest.starts_with('\\') ? 2 : 1);
  }
}

}  // namespace

Result<PathPatterns::Rule> PathPatterns::parse_rule(std::string_view pattern) {
  if (pattern.find('\0') != std::string_view::npos) return bad(pattern, "contains a NUL byte");
  std::string_view rest = pattern;
  Rule rule;
  if (rest.starts_with('!')) {
    rule.exception = true;
    rest.remove_prefix(1);
  }
  if (rest.ends_with('/')) {
    rule.directories_only = true;
    rest.remove_suffix(1);
  }
  rule.anchored = rest.find('/') != std::string_view::npos;
  if (rest.starts_with('/')) rest.remove_prefix(1);
  if (rest.empty()) return bad(pattern, "is empty");
  rule.components = TRY(parse_components(rest, pattern));
  if (rule.components.back() == "**") rule.anchored = true;
  return rule;
}

Result<PathPatterns> PathPatterns::parse(const std::vector<std::string>& patterns) {
  PathPatterns parsed;
  for (const std::string& pattern : patterns) {
    Rule rule = TRY(parse_rule(pattern));
    parsed.rules_.push_back(std::move(rule));
  }
  return parsed;
}

PathPatterns PathPatterns::parse_ignore_file(std::string_view text) {
  static constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  PathPatterns parsed;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = without_end(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty() || line.starts_with('#')) continue;
    auto rule = parse_rule(line);
    if (rule.ok()) parsed.rules_.push_back(std::move(*rule));
  }
  return parsed;
}

PatternMatch PathPatterns::match(std::string_view path, EntryType type) const {
  if (rules_.empty() || path.empty()) return PatternMatch::kNone;
  const std::vector<std::string_view> parts = split(path);
  // The last rule that fits decides.
  for (const Rule& rule : std::views::reverse(rules_)) {
    if (rule.directories_only && type != EntryType::kDirectory) continue;
    if (rule.anchored ? path_matches(rule.components, parts)
                      : name_matches(rule.components.front(), parts.back())) {
      return rule.exception ? PatternMatch::kExcepted : PatternMatch::kMatches;
    }
  }
  return PatternMatch::kNone;
}

}  // namespace stagebox::base
