#include "scheduler/file/script_expressions.h"

#include <algorithm>
#include <array>

#include "scheduler/diagnostics.h"
#include "scheduler/file/shell_quotes.h"

namespace stagebox::scheduler {
namespace {

std::string upper(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (c == '-') c = '_';
  }
  return result;
}

std::string_view why_not(ShellPlace place) {
  switch (place) {
    case ShellPlace::kSingleQuotes:
      return "an expression in single quotes would not be replaced";
    case ShellPlace::kQuotedHereDocument:
      return "an expression in a here-document with a quoted delimiter would not be replaced";
    case ShellPlace::kEscaped:
      return "an expression behind `\\` or `$` would not be replaced";
    case ShellPlace::kExpands:
    case ShellPlace::kComment:
      return "";
  }
  return "";
}

class Rewriter {
 public:
  explicit Rewriter(const ExpressionValues& values) : values_(values) {}

  void operator()(const LiteralPart& literal) { append(literal.text); }
  void operator()(const ExpressionMistake& mistake) { add(mistake); }
  void operator()(const HashPart& hash) { add(misplaced_hash(hash)); }
  void operator()(const ReferencePart& reference);
  RewrittenScript take() { return std::move(result_); }

 private:
  void append(std::string_view text) {
    result_.text += text;
    quotes_.feed(text);
  }
  void add(ExpressionMistake mistake) {
    if (result_.mistakes.size() < kMaxExpressionMistakes)
      result_.mistakes.push_back(std::move(mistake));
  }

  const ExpressionValues& values_;
  ShellQuotes quotes_;
  RewrittenScript result_;
};

void Rewriter::operator()(const ReferencePart& reference) {
  const std::string variable = expression_variable(reference.space, reference.name);
  const std::string_view wrong_place = why_not(quotes_.place());
  if (!wrong_place.empty())
    add({reference.offset, std::string(wrong_place),
         "in a script it becomes the variable ${" + variable +
             "}, which the shell replaces unquoted or in double quotes only"});
  append("${" + variable + "}");
  // Once per name: a second lookup would cost budget and say the same.
  if (result_.variables.contains(variable)) return;
  auto value = values_.value(reference);
  if (auto* mistake = std::get_if<ExpressionMistake>(&value)) return add(std::move(*mistake));
  result_.variables.emplace(variable, std::get<0>(value).value_or(""));
}

}  // namespace

std::string expression_variable(std::string_view space, std::string_view name) {
  return "STAGEBOX_" + upper(space) + "_" + (space == "env" ? std::string(name) : upper(name));
}

RewrittenScript rewrite_script(std::string_view script, const ExpressionValues& values) {
  Rewriter rewriter(values);
  for (const ExpressionPart& part : split_expressions(script)) std::visit(rewriter, part);
  return rewriter.take();
}

bool is_posix_shell(std::string_view program) {
  static constexpr std::array<std::string_view, 9> kShells{"sh",   "bash", "dash", "ash",    "ksh",
                                                           "mksh", "zsh",  "yash", "busybox"};
  const std::string_view name = program.substr(program.rfind('/') + 1);
  return std::ranges::find(kShells, name) != kShells.end();
}

}  // namespace stagebox::scheduler
