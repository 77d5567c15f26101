// YamlNode: a piece of a YAML file with its place, before anybody knows what it means. Scalars are
// text here; whether "10m" is a duration is decided by the reader of the pipeline.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "scheduler/position.h"

namespace stagebox::scheduler {

struct YamlNode;

enum class YamlKind : std::uint8_t { kScalar, kSequence, kMapping };
enum class ScalarStyle : std::uint8_t {
  kPlain,   ///< Without quotes: may be a number, true, null.
  kQuoted,  ///< In single or double quotes: always text.
  kBlock,   ///< After | or >: always text.
};

/// How a scalar's text lies in the file, so that a place inside of it can be named.
enum class TextLayout : std::uint8_t {
  kOpaque,    ///< Escapes, folding: only the start is known.
  kVerbatim,  ///< Character by character from `content` on.
  kLiteral,   ///< Line by line from `content` on, each with the same indentation.
};

struct YamlEntry {
  const YamlNode* key = nullptr;  ///< Always a scalar.
  const YamlNode* value = nullptr;
  bool duplicate = false;  ///< The key stood in the mapping before; reported already.
};

/// Lives in its YamlDocument, as all that it refers to. An alias is a second pointer to the same
/// node. Small, because a file of 10,000 stages has 200,000 of them.
struct YamlNode {
  YamlKind kind = YamlKind::kScalar;
  ScalarStyle style = ScalarStyle::kPlain;
  TextLayout layout = TextLayout::kOpaque;
  /// Bytes of text and nodes in all of it, aliases counted each time; YamlLimits bounds it.
  std::uint32_t weight = 0;
  Position position;
  Position content;
  std::string_view scalar;
  std::span<const YamlNode* const> items;
  std::span<const YamlEntry> entries;

  [[nodiscard]] bool is_scalar() const { return kind == YamlKind::kScalar; }
  [[nodiscard]] bool is_sequence() const { return kind == YamlKind::kSequence; }
  [[nodiscard]] bool is_mapping() const { return kind == YamlKind::kMapping; }
  /// Nothing, ~ or null, without quotes.
  [[nodiscard]] bool is_null() const;
  /// The value of a key of a mapping, or nullptr.
  [[nodiscard]] const YamlNode* find(std::string_view key) const;
  /// The place of the byte `offset` of `scalar`, as near as it is known.
  [[nodiscard]] Position position_at(std::size_t offset) const;
};

/// For messages: "a list", "the number `3`", "nothing".
std::string describe(const YamlNode& node);

}  // namespace stagebox::scheduler
