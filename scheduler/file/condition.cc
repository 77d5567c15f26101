#include "scheduler/file/condition.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "scheduler/diagnostics.h"
#include "scheduler/nearest_name.h"

namespace stagebox::scheduler {
namespace {

// Nobody writes more; it bounds the recursion.
constexpr int kMaxDepth = 50;
constexpr std::string_view kConditionHint =
    "write for example params.build_type == 'Release' && matrix.os != 'old'";
constexpr std::string_view kFunctionHint =
    "write for example starts_with(params.branch, 'release/')";

constexpr std::string_view kComparedFunctionHint = "let it stand alone, or with `!` before it";

struct Function {
  std::string_view name;
  bool (*holds)(std::string_view text, std::string_view part);
};
constexpr std::array<Function, 3> kFunctions{{
    {"starts_with",
     [](std::string_view text, std::string_view part) { return text.starts_with(part); }},
    {"ends_with",
     [](std::string_view text, std::string_view part) { return text.ends_with(part); }},
    {"contains", [](std::string_view text,
                    std::string_view part) { return text.find(part) != std::string_view::npos; }},
}};

std::string unknown_function_hint(std::string_view name) {
  constexpr std::array<std::string_view, 4> kOfOtherStages{"always", "cancelled", "failure",
                                                           "success"};
  if (std::ranges::find(kOfOtherStages, name) != kOfOtherStages.end())
    return "what other stages did is asked by `when`";
  if (name == "startsWith") return "did you mean `starts_with`?";
  if (name == "endsWith") return "did you mean `ends_with`?";
  constexpr std::array<std::string_view, 3> kNames{kFunctions[0].name, kFunctions[1].name,
                                                   kFunctions[2].name};
  return name_hint(name, kNames);
}

bool is_name_char(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.';
}

// What cannot be read ends the evaluation; a value that is wrong or not known is unknown.
class Evaluator {
 public:
  /// From the byte `begin` on; mistakes are placed in the whole text.
  Evaluator(std::string_view text, std::size_t begin, const ExpressionValues& values)
      : text_(text), values_(values), at_(begin) {}

  std::variant<std::optional<bool>, std::vector<ExpressionMistake>> run() {
    const std::optional<bool> result = either(0);
    skip_space();
    if (readable_ && at_ != text_.size())
      fail("cannot read the condition from " + backquoted(text_.substr(at_)) + " on");
    if (!mistakes_.empty()) return std::move(mistakes_);
    return result;
  }

 private:
  std::optional<bool> either(int depth) {
    std::optional<bool> result = both(depth);
    while (take("||")) {
      const std::optional<bool> other = both(depth);
      result = result && other ? std::optional(*result || *other) : std::nullopt;
    }
    return result;
  }

  std::optional<bool> both(int depth) {
    std::optional<bool> result = single(depth);
    while (take("&&")) {
      const std::optional<bool> other = single(depth);
      result = result && other ? std::optional(*result && *other) : std::nullopt;
    }
    return result;
  }

  std::optional<bool> single(int depth) {
    if (depth == kMaxDepth) {
      fail("the condition is nested too deeply");
      return std::nullopt;
    }
    if (!starts_with("!=") && take("!")) {
      const std::optional<bool> inner = single(depth + 1);
      return inner ? std::optional(!*inner) : std::nullopt;
    }
    if (take("(")) {
      const std::optional<bool> inner = either(depth + 1);
      if (!take(")")) fail("a closing parenthesis is missing in the condition");
      return inner;
    }
    return test();
  }

  std::optional<bool> test() {
    skip_space();
    const std::size_t begin = at_;
    const std::string_view name = word();
    at_ += name.size();
    if (starts_with("(")) return call(name, begin);
    at_ = begin;
    return comparison();
  }

  // The name has just been passed.
  std::optional<bool> call(std::string_view name, std::size_t begin) {
    const auto* function = std::ranges::find(kFunctions, name, &Function::name);
    if (function == kFunctions.end()) {
      at_ = begin;
      fail("unknown function " + backquoted(name) + " in the condition",
           unknown_function_hint(name));
      return std::nullopt;
    }
    take("(");
    const std::optional<std::string> text = operand();
    if (!take(","))
      fail(backquoted(name) + " takes two values with a comma between them", kFunctionHint);
    if (!readable_) return std::nullopt;
    const std::optional<std::string> part = operand();
    if (!take(")")) fail(backquoted(name) + " is not closed after its two values", kFunctionHint);
    if (starts_with("==") || starts_with("!="))
      fail("a function is true or false and is not compared", kComparedFunctionHint);
    if (!text || !part) return std::nullopt;
    return function->holds(*text, *part);
  }

  std::optional<bool> comparison() {
    skip_space();
    const std::size_t begin = at_;
    const std::optional<std::string> left = operand();
    const bool equal = take("==");
    if (!equal && starts_with("=")) {
      if (starts_with("=~"))
        fail("`=~` compares nothing in a condition",
             "there are no patterns: write starts_with, ends_with or contains");
      else
        fail("`=` compares nothing in a condition", "write `==`");
      return std::nullopt;
    }
    if (!equal && !take("!=")) return truth(left, begin);
    const std::optional<std::string> right = operand();
    if (!left || !right) return std::nullopt;
    return (*left == *right) == equal;
  }

  std::optional<bool> truth(const std::optional<std::string>& value, std::size_t begin) {
    if (!value) return std::nullopt;
    if (*value == "true" || *value == "false") return *value == "true";
    add({begin, "the value " + backquoted(*value) + " is neither true nor false",
         std::string(kConditionHint)});
    return std::nullopt;
  }

  std::optional<std::string> operand() {
    skip_space();
    const char first = at_ < text_.size() ? text_[at_] : '\0';
    if (first == '\'' || first == '"') return quoted(first);
    const std::size_t begin = at_;
    const std::string_view value = word();
    at_ += value.size();
    if (value.empty()) {
      fail("the condition lacks a value" + (begin == text_.size()
                                                ? std::string(" at its end")
                                                : " before " + backquoted(text_.substr(begin))));
      return std::nullopt;
    }
    if (starts_with("(")) {
      at_ = begin;
      fail("a function is no value in a condition", kComparedFunctionHint);
      return std::nullopt;
    }
    const bool literal =
        value == "true" || value == "false" || (value[0] >= '0' && value[0] <= '9');
    return literal ? std::optional(std::string(value)) : reference(value, begin);
  }

  // What comes next, without passing it; may be empty.
  [[nodiscard]] std::string_view word() const {
    const std::string_view rest = text_.substr(at_);
    const char* const after = std::ranges::find_if_not(rest, is_name_char);
    return {rest.begin(), after};
  }

  std::optional<std::string> quoted(char quote) {
    const std::size_t begin = ++at_;
    const std::size_t end = text_.find(quote, begin);
    if (end == std::string_view::npos) {
      fail("a text in the condition is not closed");
      return std::nullopt;
    }
    at_ = end + 1;
    return std::string(text_.substr(begin, end - begin));
  }

  // The same words as in ${{ }}, with the same mistakes.
  std::optional<std::string> reference(std::string_view word, std::size_t begin) {
    const std::string expression = "${{ " + std::string(word) + " }}";
    const ExpressionPart part = split_expressions(expression).front();
    if (const auto* mistake = std::get_if<ExpressionMistake>(&part)) {
      at_ = begin;
      fail(mistake->message, mistake->hint);
      return std::nullopt;
    }
    auto value = values_.value(std::get<ReferencePart>(part));
    if (auto* mistake = std::get_if<ExpressionMistake>(&value)) {
      add({begin, std::move(mistake->message), std::move(mistake->hint)});
      return std::nullopt;
    }
    return std::get<std::optional<std::string>>(std::move(value));
  }

  void skip_space() { at_ = std::min(text_.find_first_not_of(" \t\n", at_), text_.size()); }
  bool starts_with(std::string_view token) {
    skip_space();
    return text_.substr(at_).starts_with(token);
  }
  bool take(std::string_view token) {
    if (!readable_ || !starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  void fail(std::string message, std::string_view hint = kConditionHint) {
    if (readable_) add({at_, std::move(message), std::string(hint)});
    readable_ = false;
  }
  void add(ExpressionMistake mistake) {
    if (mistakes_.size() < kMaxExpressionMistakes) mistakes_.push_back(std::move(mistake));
  }

  std::string_view text_;
  const ExpressionValues& values_;
  std::size_t at_;
  bool readable_ = true;
  std::vector<ExpressionMistake> mistakes_;
};

}  // namespace

std::variant<std::optional<bool>, std::vector<ExpressionMistake>> evaluate_condition(
    std::string_view text, const ExpressionValues& values) {
  // As in other tools: the whole condition may stand in ${{ }}.
  constexpr std::string_view kOpen = "${{";
  const bool enclosed = text.starts_with(kOpen) && text.ends_with("}}");
  const std::size_t begin = enclosed ? kOpen.size() : 0;
  if (enclosed) text.remove_suffix(2);
  auto result = Evaluator(text, begin, values).run();
  auto* mistakes = std::get_if<std::vector<ExpressionMistake>>(&result);
  const std::size_t again = std::min(text.find(kOpen, begin), text.find("}}", begin));
  if (mistakes != nullptr && again != std::string_view::npos)
    *mistakes = {{again, "parts of a condition do not stand in `${{ }}`",
                  "leave `${{` and `}}` out, or put them around the whole condition; " +
                      std::string(kConditionHint)}};
  return result;
}

}  // namespace stagebox::scheduler
