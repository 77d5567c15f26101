#include "scheduler/file/expressions.h"

#include <algorithm>
#include <array>

#include "scheduler/diagnostics.h"
#include "scheduler/nearest_name.h"

namespace stagebox::scheduler {
namespace {

constexpr std::array<std::string_view, 4> kSpaces{"params", "env", "matrix", "run"};
constexpr std::array<std::string_view, 1> kPlannedSpaces{"secrets"};
constexpr std::string_view kSpace = " \t\n";
constexpr std::string_view kHashHint =
    "write for example ${{ hash(src/package-lock.json) }}, or several patterns with commas between "
    "them";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\n") - begin + 1);
}

bool is_word(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
}

// One pattern off the front of `rest`, with quotes or without; nothing when there is none.
std::optional<std::string_view> take_pattern(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(kSpace), rest.size()));
  const char quote = rest.empty() ? '\0' : rest.front();
  const bool quoted = quote == '\'' || quote == '"';
  if (quoted) rest.remove_prefix(1);
  const std::size_t end = quoted ? rest.find(quote) : rest.find_first_of("'\"(), \t\n");
  if (end == std::string_view::npos || end == 0) return std::nullopt;
  const std::string_view pattern = rest.substr(0, end);
  rest.remove_prefix(quoted ? end + 1 : end);
  rest.remove_prefix(std::min(rest.find_first_not_of(kSpace), rest.size()));
  return pattern;
}

// `arguments` begins behind the opening parenthesis.
ExpressionPart parse_hash(std::size_t offset, std::string_view body, std::string_view arguments) {
  HashPart hash{offset, {}};
  while (auto pattern = take_pattern(arguments)) {
    hash.patterns.push_back(*pattern);
    if (arguments == ")") return hash;
    if (!arguments.starts_with(',')) break;
    arguments.remove_prefix(1);
  }
  return ExpressionMistake{offset, "cannot read the expression " + backquoted(body),
                           std::string(kHashHint)};
}

ExpressionPart parse_body(std::size_t offset, std::string_view body) {
  body = trimmed(body);
  const std::string_view space = body.substr(0, body.find_first_of(".( \t\n"));
  if (space == "hash") {
    const std::string_view rest = trimmed(body.substr(space.size()));
    return parse_hash(offset, body, rest.starts_with('(') ? rest.substr(1) : std::string_view());
  }
  if (std::ranges::find(kPlannedSpaces, space) != kPlannedSpaces.end())
    return ExpressionMistake{
        offset,
        "the expression " + backquoted(body) + " is not supported by this version of Stagebox yet",
        "`params.NAME`, `env.NAME`, `matrix.NAME` and `run.trust` are"};
  const std::size_t dot = body.find('.');
  const std::string_view name = dot == std::string_view::npos ? "" : body.substr(dot + 1);
  if (!is_word(body.substr(0, dot)) || !is_word(name))
    return ExpressionMistake{offset, "cannot read the expression " + backquoted(body),
                             "write ${{ params.NAME }}, ${{ env.NAME }}, ${{ matrix.NAME }} or "
                             "${{ run.trust }}"};
  if (std::ranges::find(kSpaces, space) == kSpaces.end())
    return ExpressionMistake{offset, "unknown " + backquoted(space) + " in an expression",
                             name_hint(space, kSpaces)};
  return ReferencePart{offset, space, name};
}

ExpressionMistake unknown(const ReferencePart& reference, std::string_view what,
                          const NamedValues& known, ExpansionBudget& budget) {
  std::string hint;
  if (known.empty()) {
    hint = "none is defined";
  } else if (budget.take_hint()) {
    hint = name_hint(reference.name, names_of(known));
  }
  return {reference.offset, "unknown " + std::string(what) + " " + backquoted(reference.name),
          hint};
}

}  // namespace

ExpressionMistake misplaced_hash(const HashPart& part) {
  return {part.offset, "`hash` cannot be used in an expression here",
          "only `key` and `restore` of `caches` can"};
}

std::string ExpansionBudget::message() {
  return "the expressions and defaults of this file expand to more than " +
         std::to_string(kBytes >> 20U) + " MiB";
}

std::vector<ExpressionPart> split_expressions(std::string_view text) {
  std::vector<ExpressionPart> parts;
  std::size_t offset = 0;
  while (offset < text.size()) {
    const std::size_t begin = std::min(text.find("${{", offset), text.size());
    if (begin > offset) parts.emplace_back(LiteralPart{text.substr(offset, begin - offset)});
    if (begin == text.size()) break;
    const std::size_t end = text.find("}}", begin);
    if (end == std::string_view::npos) {
      parts.emplace_back(
          ExpressionMistake{begin, "this expression does not end", "close it with }}"});
      break;
    }
    parts.push_back(parse_body(begin, text.substr(begin + 3, end - begin - 3)));
    offset = end + 2;
  }
  return parts;
}

// The values to look in, or what there is to say without looking.
std::variant<const NamedValues*, ExpressionValues::Value> ExpressionValues::scope(
    const ReferencePart& reference) const {
  if (reference.space == "params") return params_;
  if (reference.space == "matrix") {
    if (matrix_.unchecked) return Value(std::nullopt);
    if (matrix_.values != nullptr) return matrix_.values;
    return Value(ExpressionMistake{reference.offset,
                                   "`matrix` cannot be used in an expression here",
                                   "only a stage that has a `matrix` can"});
  }
  if (reference.space == "run") {
    if (run_ != nullptr) return run_;
    return Value(ExpressionMistake{reference.offset, "`run` cannot be used in an expression here",
                                   "only a stage can"});
  }
  if (env_use_ == EnvUse::kUnchecked) return Value(std::nullopt);
  if (env_use_ == EnvUse::kStage && env_ != nullptr) return env_;
  return Value(ExpressionMistake{reference.offset, "`env` cannot be used in an expression here",
                                 "only `params` can"});
}

std::variant<std::optional<std::string>, ExpressionMistake> ExpressionValues::value(
    const ReferencePart& reference) const {
  auto looked = scope(reference);
  if (auto* answer = std::get_if<Value>(&looked)) return std::move(*answer);
  const NamedValues& values = *std::get<const NamedValues*>(looked);
  const auto found = values.find(reference.name);
  if (found == values.end()) {
    std::string_view what = "parameter";
    if (reference.space == "env") what = "variable";
    if (reference.space == "matrix") what = "name of the matrix";
    if (reference.space == "run") what = "property of the run";
    return unknown(reference, what, values, *budget_);
  }
  if (found->second && !budget_->take(found->second->size()))
    return ExpressionMistake{reference.offset, ExpansionBudget::message(), ""};
  return found->second;
}

ExpressionValues::Expanded ExpressionValues::expand(std::string_view text) const {
  Expanded result{std::string(), {}};
  const auto add_mistake = [&](ExpressionMistake mistake) {
    result.text.reset();
    if (result.mistakes.size() < kMaxExpressionMistakes)
      result.mistakes.push_back(std::move(mistake));
  };
  for (ExpressionPart& part : split_expressions(text)) {
    if (const auto* literal = std::get_if<LiteralPart>(&part)) {
      if (result.text) *result.text += literal->text;
    } else if (auto* mistake = std::get_if<ExpressionMistake>(&part)) {
      add_mistake(std::move(*mistake));
    } else if (const auto* hash = std::get_if<HashPart>(&part)) {
      add_mistake(misplaced_hash(*hash));
    } else {
      auto known = value(std::get<ReferencePart>(part));
      if (auto* wrong = std::get_if<ExpressionMistake>(&known)) {
        add_mistake(std::move(*wrong));
      } else if (const auto& found = std::get<std::optional<std::string>>(known); !found) {
        result.text.reset();
      } else if (result.text) {
        *result.text += *found;
      }
    }
  }
  return result;
}

}  // namespace stagebox::scheduler
