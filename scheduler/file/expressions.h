// Expressions: `${{ params.NAME }}`, `${{ env.NAME }}`, `${{ matrix.NAME }}` and `${{ run.trust }}`
// in the values of the pipeline file: their syntax and what they stand for. How they get into a
// script is script_expressions.h. `${{ hash(PATTERN, ...) }}` has a syntax here, but stands for
// something only when a stage's inputs are known: caches_reader.h.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace stagebox::scheduler {

/// Text of the file as it is.
struct LiteralPart {
  std::string_view text;
};
/// An expression. The syntax is good; whether it stands for anything is not known.
struct ReferencePart {
  std::size_t offset = 0;  ///< Of "${{", in bytes.
  std::string_view space;  ///< "params", "env", "matrix" or "run".
  std::string_view name;
};
/// `hash(a, 'b c', "d")`. The patterns have been split, not read.
struct HashPart {
  std::size_t offset = 0;  ///< Of "${{", in bytes.
  std::vector<std::string_view> patterns;
};
/// Something that begins like an expression and is none.
struct ExpressionMistake {
  std::size_t offset = 0;
  std::string message;
  std::string hint;
};
using ExpressionPart = std::variant<LiteralPart, ReferencePart, HashPart, ExpressionMistake>;

/// Of one text; more are not told.
inline constexpr std::size_t kMaxExpressionMistakes = 20;

/// For a hash() where there are no inputs to hash.
ExpressionMistake misplaced_hash(const HashPart& part);

/// In order; the literals and the expressions cover all of `text`. The parts point into `text`.
std::vector<ExpressionPart> split_expressions(std::string_view text);
inline bool has_expression(std::string_view text) {
  return text.find("${{") != std::string_view::npos;
}

/// Values by name; without a value when the definition itself was wrong (and has been reported).
using NamedValues = std::map<std::string, std::optional<std::string>, std::less<>>;

/// How much text the expressions and defaults of one file may produce: stops a file of some bytes
/// from becoming gigabytes, or hours of looking for the nearest name.
class ExpansionBudget {
 public:
  static constexpr std::size_t kBytes = std::size_t{32} << 20U;
  static constexpr std::size_t kHints = 200;

  /// False when it is spent, then and ever after.
  bool take(std::size_t bytes) {
    if (bytes > left_) spent_ = true;
    if (!spent_) left_ -= bytes;
    return !spent_;
  }
  bool take_hint() {
    if (hints_ == 0) return false;
    --hints_;
    return true;
  }
  [[nodiscard]] bool spent() const { return spent_; }
  [[nodiscard]] static std::string message();

 private:
  std::size_t left_ = kBytes;
  std::size_t hints_ = kHints;
  bool spent_ = false;
};

/// Where an expression stands decides what it may use.
enum class EnvUse {
  kStage,      ///< The variables of the stage.
  kForbidden,  ///< Outside of stages, and in env itself.
  kUnchecked,  ///< In `defaults` on their own: the stages decide. There is no value.
};

/// What `matrix.NAME` stands for.
struct MatrixScope {
  const NamedValues* values = nullptr;  ///< Of the variant of the stage; nullptr: it has no matrix.
  bool unchecked = false;  ///< In `defaults` on their own: the stages decide. There is no value.
};

/// What expressions stand for at one place of the file. Owns nothing.
class ExpressionValues {
 public:
  ExpressionValues(const NamedValues& params, ExpansionBudget& budget,
                   EnvUse env_use = EnvUse::kForbidden, const NamedValues* env = nullptr,
                   MatrixScope matrix = {}, const NamedValues* run = nullptr)
      : params_(&params),
        budget_(&budget),
        env_use_(env_use),
        env_(env),
        matrix_(matrix),
        run_(run) {}

  /// The value; nothing when the definition is wrong already or not known here; or what is wrong
  /// with the reference.
  [[nodiscard]] std::variant<std::optional<std::string>, ExpressionMistake> value(
      const ReferencePart& reference) const;

  struct Expanded {
    std::optional<std::string> text;  ///< Nothing when any part has no value.
    std::vector<ExpressionMistake> mistakes;
  };
  [[nodiscard]] ExpansionBudget& budget() const { return *budget_; }
  /// All expressions of `text` replaced by their values, as text.
  [[nodiscard]] Expanded expand(std::string_view text) const;

 private:
  using Value = std::variant<std::optional<std::string>, ExpressionMistake>;
  [[nodiscard]] std::variant<const NamedValues*, Value> scope(const ReferencePart& reference) const;

  const NamedValues* params_;
  ExpansionBudget* budget_;
  EnvUse env_use_;
  const NamedValues* env_;
  MatrixScope matrix_;
  const NamedValues* run_;  ///< nullptr: `run` cannot be used there.
};

}  // namespace stagebox::scheduler
