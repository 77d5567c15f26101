// ValueReader: a YAML node as a text, number, size, duration, path or list of texts, with its
// expressions replaced first. So what an expression stands for is checked exactly like what is
// written out. Says what was found and what was expected; the caller goes on with the next value.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/relative_path.h"
#include "scheduler/diagnostics.h"
#include "scheduler/file/expressions.h"
#include "scheduler/file/range.h"
#include "scheduler/yaml/yaml_node.h"

namespace stagebox::scheduler {

/// An item of a list, and where it stands.
struct PlacedText {
  std::string text;
  Position position;
};

/// In every function `what` names the value for the message: "`timeout`". Nothing is returned for a
/// value that is wrong; that has been reported then. Owns nothing; one per place that has values of
/// its own (see ExpressionValues).
class ValueReader {
 public:
  ValueReader(Diagnostics& diagnostics, const ExpressionValues& values)
      : diagnostics_(diagnostics), values_(values) {}

  /// Any scalar but null; may be empty.
  std::optional<std::string> text(const YamlNode& node, std::string_view what,
                                  std::string_view expected = "a text") const;
  /// As text(), and not empty.
  std::optional<std::string> word(const YamlNode& node, std::string_view what,
                                  std::string_view expected = "a text") const;
  std::optional<bool> boolean(const YamlNode& node, std::string_view what) const;
  std::optional<double> number(const YamlNode& node, std::string_view what,
                               const Range<double>& range) const;
  std::optional<std::uint64_t> integer(const YamlNode& node, std::string_view what,
                                       const Range<std::uint64_t>& range) const;
  std::optional<std::uint64_t> bytes(const YamlNode& node, std::string_view what,
                                     const Range<std::uint64_t>& range) const;
  std::optional<std::chrono::milliseconds> duration(const YamlNode& node,
                                                    std::string_view what) const;
  /// `rule` says, in the message for one that is refused, what it has to be.
  std::optional<base::RelativePath> path(const YamlNode& node, std::string_view what,
                                         std::string_view rule = {}) const;
  /// The index of one of `choices`.
  std::optional<std::size_t> choice(const YamlNode& node, std::string_view what,
                                    std::span<const std::string_view> choices) const;
  /// A list of texts; wrong items are left out.
  std::optional<std::vector<std::string>> texts(const YamlNode& node, std::string_view what) const;
  /// As texts(), for who has more to say of an item. Empty when `node` is no list.
  std::vector<PlacedText> placed_texts(const YamlNode& node, std::string_view what) const;

  /// False, and reported, when `node` is none.
  bool expect_mapping(const YamlNode& node, std::string_view what, std::string_view example) const;
  bool expect_sequence(const YamlNode& node, std::string_view what, std::string_view example) const;
  void mismatch(const YamlNode& node, std::string_view what, std::string_view expected,
                std::string_view hint = {}) const;
  void report(const YamlNode& node, std::span<const ExpressionMistake> mistakes) const;

  [[nodiscard]] Diagnostics& diagnostics() const { return diagnostics_; }
  [[nodiscard]] const ExpressionValues& values() const { return values_; }

 private:
  Diagnostics& diagnostics_;
  const ExpressionValues& values_;
};

/// "`a`, `b` or `c`".
std::string one_of(std::span<const std::string_view> choices);

}  // namespace stagebox::scheduler
