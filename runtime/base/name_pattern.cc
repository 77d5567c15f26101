#include "runtime/base/name_pattern.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "runtime/base/utf8.h"

namespace stagebox::base {
namespace {

/// A character, not a byte: names are UTF-8. A byte that is none stands for itself.
Utf8Character character_at(std::string_view text, std::size_t at) {
  const Utf8Character character = decode_utf8(text.substr(at));
  if (character.length != 0) return character;
  return {static_cast<unsigned char>(text[at]), 1};
}

struct NamedClass {
  std::string_view name;
  bool (*contains)(std::uint32_t code);
};

bool between(std::uint32_t code, char first, char last) {
  return code >= static_cast<std::uint32_t>(first) && code <= static_cast<std::uint32_t>(last);
}
bool is_digit(std::uint32_t code) { return between(code, '0', '9'); }
bool is_lower(std::uint32_t code) { return between(code, 'a', 'z'); }
bool is_upper(std::uint32_t code) { return between(code, 'A', 'Z'); }
bool is_alpha(std::uint32_t code) { return is_lower(code) || is_upper(code); }
bool is_alnum(std::uint32_t code) { return is_alpha(code) || is_digit(code); }
bool is_graph(std::uint32_t code) { return between(code, '!', '~'); }

// Of ASCII, whatever the locale.
constexpr std::array<NamedClass, 12> kClasses{{
    {"alnum", is_alnum},
    {"alpha", is_alpha},
    {"blank", [](std::uint32_t code) { return code == ' ' || code == '\t'; }},
    {"cntrl", [](std::uint32_t code) { return code < 0x20 || code == 0x7F; }},
    {"digit", is_digit},
    {"graph", is_graph},
    {"lower", is_lower},
    {"print", [](std::uint32_t code) { return code == ' ' || is_graph(code); }},
    {"punct", [](std::uint32_t code) { return is_graph(code) && !is_alnum(code); }},
    // Of git, whose white space has no form feed and no vertical tab.
    {"space",
     [](std::uint32_t code) {
       return code == ' ' || code == '\t' || code == '\n' || code == '\r';
     }},
    {"upper", is_upper},
    {"xdigit",
     [](std::uint32_t code) {
       return is_digit(code) || between(code, 'a', 'f') || between(code, 'A', 'F');
     }},
}};

const NamedClass* named_class(std::string_view name) {
  for (const NamedClass& one : kClasses) {
    if (one.name == name) return &one;
  }
  return nullptr;
}

/// Reads "[...]" from its first bracket on, looking for a character in it.
class ClassReader {
 public:
  ClassReader(std::string_view pattern, std::size_t at) : pattern_(pattern), at_(at + 1) {}

  /// Whether the class contains the character; nothing when it does not end, or names a class that
  /// there is not. Afterwards end() is behind its last bracket.
  std::optional<bool> contains(std::uint32_t code) {
    const bool negated = at_ < pattern_.size() && (pattern_[at_] == '!' || pattern_[at_] == '^');
    if (negated) ++at_;
    bool found = false;
    for (bool first = true;; first = false) {
      if (at_ >= pattern_.size()) return std::nullopt;
      if (pattern_[at_] == ']' && !first) break;
      const auto part = part_contains(code);
      if (!part) return std::nullopt;
      found = found || *part;
    }
    ++at_;
    return found != negated;
  }

  [[nodiscard]] std::size_t end() const { return at_; }

 private:
  std::optional<bool> part_contains(std::uint32_t code) {
    if (const auto name = class_name()) return named_contains(*name, code);
    const auto low = take();
    if (!low) return std::nullopt;
    const bool range =
        at_ + 1 < pattern_.size() && pattern_[at_] == '-' && pattern_[at_ + 1] != ']';
    if (!range) return code == *low;
    ++at_;
    const auto high = take();
    if (!high) return std::nullopt;
    // As in git, the first character counts even when the last one is before it.
    return code == *low || (code >= *low && code <= *high);
  }

  /// Of a "[:name:]" that begins here. When the next bracket ends no such, "[" and ":" are ordinary
  /// characters.
  std::optional<std::string_view> class_name() {
    if (!pattern_.substr(at_).starts_with("[:")) return std::nullopt;
    const std::size_t begin = at_ + 2;
    // Looked for once, however many "[:" are before it.
    if (bracket_ < begin) bracket_ = pattern_.find(']', begin);
    if (bracket_ == std::string_view::npos || bracket_ == begin || pattern_[bracket_ - 1] != ':')
      return std::nullopt;
    return pattern_.substr(begin, bracket_ - 1 - begin);
  }

  std::optional<bool> named_contains(std::string_view name, std::uint32_t code) {
    const NamedClass* named = named_class(name);
    if (named == nullptr) return std::nullopt;
    at_ = bracket_ + 1;
    return named->contains(code);
  }

  std::optional<std::uint32_t> take() {
    if (at_ < pattern_.size() && pattern_[at_] == '\\') ++at_;
    if (at_ >= pattern_.size()) return std::nullopt;
    const Utf8Character character = character_at(pattern_, at_);
    at_ += character.length;
    return character.code;
  }

  std::string_view pattern_;
  std::size_t at_;
  std::size_t bracket_ = 0;  ///< the first "]" from some place up to here on
};

/// Behind the element at the place: a class, a character with its backslash, or one byte. Nothing
/// when it does not end.
std::optional<std::size_t> element_end(std::string_view pattern, std::size_t at) {
  if (pattern[at] == '[') {
    ClassReader reader(pattern, at);
    if (!reader.contains(0)) return std::nullopt;
    return reader.end();
  }
  const std::size_t end = pattern[at] == '\\' ? at + 2 : at + 1;
  if (end > pattern.size()) return std::nullopt;
  return end;
}

/// Matches one element of the pattern, no star, at the place; moves both on when it does.
bool step(std::string_view pattern, std::size_t& p, std::string_view name, std::size_t& n) {
  const char kind = pattern[p];
  if (kind == '?' || kind == '[') {
    const Utf8Character character = character_at(name, n);
    if (kind == '[') {
      ClassReader reader(pattern, p);
      if (!reader.contains(character.code).value_or(false)) return false;
      p = reader.end();
    } else {
      ++p;
    }
    n += character.length;
    return true;
  }
  const std::size_t literal = kind == '\\' ? p + 1 : p;
  if (pattern[literal] != name[n]) return false;
  p = literal + 1;
  ++n;
  return true;
}

}  // namespace

std::optional<std::string_view> name_pattern_mistake(std::string_view pattern) {
  for (std::size_t at = 0; at < pattern.size();) {
    const auto end = element_end(pattern, at);
    if (!end) {
      if (pattern[at] == '\\') return "ends in a backslash";
      return "has a \"[\" that begins no class such as [a-z]; write \"\\[\" for the bracket "
             "itself";
    }
    at = *end;
  }
  return std::nullopt;
}

std::size_t name_pattern_end(std::string_view path_pattern) {
  for (std::size_t at = 0; at < path_pattern.size();) {
    const std::string_view rest = path_pattern.substr(at);
    if (rest.starts_with('/') || rest.starts_with("\\/")) return at;
    const auto end = element_end(path_pattern, at);
    if (!end) break;
    at = *end;
  }
  return path_pattern.size();
}

bool name_matches(std::string_view pattern, std::string_view name) {
  // Going back to the last star is enough: whatever an earlier one could have swallowed, it can.
  std::size_t p = 0;
  std::size_t n = 0;
  std::optional<std::size_t> after_star;
  std::size_t resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      after_star = ++p;
      resume = n;
    } else if (p < pattern.size() && step(pattern, p, name, n)) {
      continue;
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

}  // namespace stagebox::base
