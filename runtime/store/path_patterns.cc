#include "runtime/store/path_patterns.h"

#include <cstddef>
#include <optional>
#include <utility>

#include "runtime/base/printable.h"

namespace stagebox::store {
namespace {

using base::Error;
using base::Result;

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t slash = path.find('/');
    parts.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return parts;
    path.remove_prefix(slash + 1);
  }
}

/// The end of the UTF-8 character that starts at `at`: `?` stands for a character, not a byte.
std::size_t next_character(std::string_view text, std::size_t at) {
  do {
    ++at;
  } while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U);
  return at;
}

/// One step of the pattern: a literal byte (escaped or not), `?`, or `*`.
struct Token {
  char kind = 0;  ///< '*', '?', or 'c'
  char literal = 0;
  std::size_t length = 1;
};

Token token_at(std::string_view pattern, std::size_t at) {
  const char c = pattern[at];
  if (c == '*' || c == '?') return {c, 0, 1};
  if (c == '\\') return {'c', pattern[at + 1], 2};  // parsing refused a backslash at the end
  return {'c', c, 1};
}

/// Both matchers go back to the last star only: whatever an earlier star could have swallowed, the
/// last one can, so the time is at most the product of the lengths.
bool component_matches(std::string_view pattern, std::string_view name) {
  std::size_t p = 0;
  std::size_t n = 0;
  std::optional<std::size_t> after_star;
  std::size_t resume = 0;
  while (n < name.size()) {
    const Token token = p < pattern.size() ? token_at(pattern, p) : Token{};
    if (token.kind == '*') {
      after_star = p = p + 1;
      resume = n;
    } else if (token.kind == '?') {
      p += 1;
      n = next_character(name, n);
    } else if (token.kind == 'c' && token.literal == name[n]) {
      p += token.length;
      n += 1;
    } else if (after_star) {
      p = *after_star;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

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
    } else if (p < pattern.size() && component_matches(pattern[p], path[n])) {
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
  return base::invalid("the pattern " + base::printable(pattern) + " " + std::string(why));
}

Result<void> check(std::string_view pattern) {
  if (pattern.find('\0') != std::string_view::npos) return bad(pattern, "contains a NUL byte");
  if (pattern.starts_with('!')) {
    return bad(pattern,
               "starts with \"!\", but exceptions are not supported; write \"\\!\" for a "
               "name that starts with it");
  }
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\') {
      if (++i == pattern.size()) return bad(pattern, "ends in a backslash");
    } else if (pattern[i] == '[') {
      return bad(pattern,
                 "contains \"[\", but character classes are not supported; write \"\\[\" "
                 "for the bracket itself");
    }
  }
  return {};
}

}  // namespace

Result<PathPatterns::Rule> PathPatterns::parse_rule(std::string_view pattern) {
  TRY(check(pattern));
  std::string_view rest = pattern;
  Rule rule;
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

bool PathPatterns::matches(std::string_view path, EntryType type) const {
  if (rules_.empty() || path.empty()) return false;
  const std::vector<std::string_view> parts = split(path);
  for (const Rule& rule : rules_) {
    if (rule.directories_only && type != EntryType::kDirectory) continue;
    if (rule.anchored ? path_matches(rule.components, parts)
                      : component_matches(rule.components.front(), parts.back())) {
      return true;
    }
  }
  return false;
}

}  // namespace stagebox::store
