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

/// Spaces at the end, unless a backslash stands before them, and the CR of a file with CRLF.
std::string_view without_end(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  while (line.ends_with(' ') && !line.ends_with("\\ ")) line.remove_suffix(1);
  return line;
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
  while (rest.ends_with('/')) {
    rule.directories_only = true;
    rest.remove_suffix(1);
  }
  rule.anchored = rest.find('/') != std::string_view::npos;
  while (rest.starts_with('/')) rest.remove_prefix(1);
  if (rest.empty()) return bad(pattern, "is empty");
  for (const std::string_view component : split(rest)) {
    if (component.empty() || component == "." || component == "..") {
      return bad(pattern,
                 "has an empty, \".\" or \"..\" component; patterns start at the input's "
                 "own directory");
    }
    if (const auto mistake = name_pattern_mistake(component)) return bad(pattern, *mistake);
    rule.components.emplace_back(component);
  }
  if (rule.components.back() == "**") {
    // "a/**" is what is in a, not a itself: at least one component.
    rule.components.insert(rule.components.end() - 1, "*");
    rule.anchored = true;
  }
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
