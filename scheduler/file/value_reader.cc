#include "scheduler/file/value_reader.h"

#include <algorithm>
#include <array>

#include "runtime/base/parse_number.h"
#include "runtime/base/units.h"
#include "scheduler/nearest_name.h"

namespace stagebox::scheduler {
namespace {

// What an item of a list costs besides its text; see ExpansionBudget.
constexpr std::size_t kTextCost = 16;

// As people write it: from_chars also takes "1e9", "inf" and "nan".
std::optional<double> parse_decimal(std::string_view text) {
  if (text.find_first_not_of("0123456789.-") != std::string_view::npos) return std::nullopt;
  return base::parse_number<double>(text);
}

std::string with_reason(std::string message, std::string_view reason) {
  if (!reason.empty()) message += " (" + std::string(reason) + ")";
  return message;
}

}  // namespace

std::string one_of(std::span<const std::string_view> choices) {
  std::string list;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (i != 0) list += i + 1 == choices.size() ? " or " : ", ";
    list += backquoted(choices[i]);
  }
  return list;
}

void ValueReader::mismatch(const YamlNode& node, std::string_view what, std::string_view expected,
                           std::string_view hint) const {
  diagnostics_.add(
      node.position,
      std::string(what) + " must be " + std::string(expected) + ", found " + describe(node), hint);
}

void ValueReader::report(const YamlNode& node, std::span<const ExpressionMistake> mistakes) const {
  for (const ExpressionMistake& mistake : mistakes) {
    // Finding the place is work, and nobody would see it.
    const Position at = diagnostics_.full() ? Position() : node.position_at(mistake.offset);
    diagnostics_.add(at, mistake.message, mistake.hint);
  }
}

std::optional<std::string> ValueReader::text(const YamlNode& node, std::string_view what,
                                             std::string_view expected) const {
  if (!node.is_scalar() || node.is_null()) {
    const bool is_text = node.is_scalar() && expected == "a text";
    mismatch(node, what, expected, is_text ? "write \"\" for an empty text" : "");
    return std::nullopt;
  }
  if (!values_.budget().take(node.scalar().size() + kTextCost)) {
    diagnostics_.add(node.position, ExpansionBudget::message());
    return std::nullopt;
  }
  if (!has_expression(node.scalar())) return std::string(node.scalar());
  ExpressionValues::Expanded expanded = values_.expand(node.scalar());
  report(node, expanded.mistakes);
  return std::move(expanded.text);
}

std::optional<std::string> ValueReader::word(const YamlNode& node, std::string_view what,
                                             std::string_view expected) const {
  auto value = text(node, what, expected);
  if (!value || !value->empty()) return value;
  diagnostics_.add(node.position, std::string(what) + " is empty",
                   "expected " + std::string(expected));
  return std::nullopt;
}

std::optional<bool> ValueReader::boolean(const YamlNode& node, std::string_view what) const {
  const auto value = text(node, what, "true or false");
  if (!value) return std::nullopt;
  if (*value == "true") return true;
  if (*value == "false") return false;
  diagnostics_.add(node.position,
                   std::string(what) + " must be true or false, found " + backquoted(*value));
  return std::nullopt;
}

std::optional<double> ValueReader::number(const YamlNode& node, std::string_view what,
                                          const Range<double>& range) const {
  const auto value = word(node, what, "a number");
  if (!value) return std::nullopt;
  const auto number = parse_decimal(*value);
  if (number && range.has(*number)) return number;
  diagnostics_.add(node.position,
                   with_reason(std::string(what) + " must be a number from " +
                                   std::to_string(range.least).substr(0, 4) + " to " +
                                   std::to_string(static_cast<std::uint64_t>(range.most)) +
                                   ", found " + backquoted(*value),
                               range.reason));
  return std::nullopt;
}

std::optional<std::uint64_t> ValueReader::integer(const YamlNode& node, std::string_view what,
                                                  const Range<std::uint64_t>& range) const {
  const auto value = word(node, what, "a whole number");
  if (!value) return std::nullopt;
  const auto number = base::parse_number<std::uint64_t>(*value);
  if (number && range.has(*number)) return number;
  diagnostics_.add(node.position,
                   with_reason(std::string(what) + " must be a whole number from " +
                                   std::to_string(range.least) + " to " +
                                   std::to_string(range.most) + ", found " + backquoted(*value),
                               range.reason));
  return std::nullopt;
}

std::optional<std::uint64_t> ValueReader::bytes(const YamlNode& node, std::string_view what,
                                                const Range<std::uint64_t>& range) const {
  const auto value = word(node, what, "a size such as 512MiB");
  if (!value) return std::nullopt;
  const auto size = base::parse_bytes(*value);
  if (!size.ok()) {
    diagnostics_.add(node.position,
                     std::string(what) + " must be a size, found " + backquoted(*value),
                     "write for example 512MiB or 2GiB");
    return std::nullopt;
  }
  if (range.has(*size)) return *size;
  const bool small = *size < range.least;
  diagnostics_.add(node.position,
                   with_reason(std::string(what) + " must be at " + (small ? "least " : "most ") +
                                   base::format_bytes(small ? range.least : range.most) +
                                   ", found " + backquoted(*value),
                               range.reason));
  return std::nullopt;
}

std::optional<std::chrono::milliseconds> ValueReader::duration(const YamlNode& node,
                                                               std::string_view what) const {
  const auto value = word(node, what, "a duration such as 10m");
  if (!value) return std::nullopt;
  const auto duration = base::parse_duration(*value);
  if (duration.ok() && duration->count() > 0) return *duration;
  const std::string expected =
      duration.ok() ? " must be more than 0" : " must be a duration of at most 876000h";
  diagnostics_.add(node.position, std::string(what) + expected + ", found " + backquoted(*value),
                   "write for example 90s, 10m or 1h30m");
  return std::nullopt;
}

std::optional<base::RelativePath> ValueReader::path(const YamlNode& node, std::string_view what,
                                                    std::string_view rule) const {
  const auto value = word(node, what, "a relative path");
  if (!value) return std::nullopt;
  auto path = base::RelativePath::parse(*value);
  if (path.ok()) return std::move(path).value();
  diagnostics_.add(node.position, std::string(what) + ": " + path.error().message, rule);
  return std::nullopt;
}

std::optional<std::size_t> ValueReader::choice(const YamlNode& node, std::string_view what,
                                               std::span<const std::string_view> choices) const {
  const auto value = word(node, what, one_of(choices));
  if (!value) return std::nullopt;
  const auto found = std::ranges::find(choices, *value);
  if (found != choices.end()) return static_cast<std::size_t>(found - choices.begin());
  const auto nearest = nearest_name(*value, choices);
  diagnostics_.add(
      node.position,
      std::string(what) + " must be " + one_of(choices) + ", found " + backquoted(*value),
      nearest ? "did you mean " + backquoted(*nearest) + "?" : "");
  return std::nullopt;
}

std::optional<std::vector<std::string>> ValueReader::texts(const YamlNode& node,
                                                           std::string_view what) const {
  if (!expect_sequence(node, what, "[a, b]")) return std::nullopt;
  std::vector<std::string> list;
  for (PlacedText& item : placed_texts(node, what)) list.push_back(std::move(item.text));
  return list;
}

std::vector<PlacedText> ValueReader::placed_texts(const YamlNode& node,
                                                  std::string_view what) const {
  if (!expect_sequence(node, what, "[a, b]")) return {};
  std::vector<PlacedText> list;
  for (const YamlNode* item : node.items()) {
    if (auto value = text(*item, "each item of " + std::string(what)))
      list.push_back({std::move(*value), item->position});
    if (values_.budget().spent()) break;
  }
  return list;
}

bool ValueReader::expect_mapping(const YamlNode& node, std::string_view what,
                                 std::string_view example) const {
  if (node.is_mapping()) return true;
  mismatch(node, what, "a mapping", "write for example " + std::string(example));
  return false;
}

bool ValueReader::expect_sequence(const YamlNode& node, std::string_view what,
                                  std::string_view example) const {
  if (node.is_sequence()) return true;
  mismatch(node, what, "a list", "write for example " + std::string(example));
  return false;
}

}  // namespace stagebox::scheduler
