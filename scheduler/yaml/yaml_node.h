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

  /// Each is empty of a node of another kind.
  [[nodiscard]] std::string_view scalar() const;
  [[nodiscard]] std::span<const YamlNode* const> items() const;
  [[nodiscard]] std::span<const YamlEntry> entries() const;

  [[nodiscard]] bool is_scalar() const { return kind == YamlKind::kScalar; }
  [[nodiscard]] bool is_sequence() const { return kind == YamlKind::kSequence; }
  [[nodiscard]] bool is_mapping() const { return kind == YamlKind::kMapping; }
  /// Nothing, ~ or null, without quotes.
  [[nodiscard]] bool is_null() const;
  /// The value of a key of a mapping, or nullptr.
  [[nodiscard]] const YamlNode* find(std::string_view key) const;
  /// The place of the byte `offset` of `scalar`, as near as it is known.
  [[nodiscard]] Position position_at(std::size_t offset) const;

  /// For the document, of a node of that kind; what it refers to outlives the node.
  void hold(std::string_view text) { contents_ = text.data(), size_ = text.size(); }
  void hold(std::span<const YamlNode* const> items) {
    contents_ = static_cast<const void*>(items.data()), size_ = items.size();
  }
  void hold(std::span<const YamlEntry> entries) {
    contents_ = entries.data(), size_ = entries.size();
  }

 private:
  template <typename T>
  [[nodiscard]] const T* contents() const {
    return static_cast<const T*>(contents_);
  }

  const void* contents_ = nullptr;  // Of the kind: characters, pointers to nodes, or entries.
  std::size_t size_ = 0;            // How many.
};

inline std::string_view YamlNode::scalar() const {
  return is_scalar() ? std::string_view(contents<char>(), size_) : std::string_view();
}
inline std::span<const YamlNode* const> YamlNode::items() const {
  if (!is_sequence()) return {};
  return {contents<const YamlNode*>(), size_};
}
inline std::span<const YamlEntry> YamlNode::entries() const {
  if (!is_mapping()) return {};
  return {contents<YamlEntry>(), size_};
}

/// For messages: "a list", "the number `3`", "nothing".
std::string describe(const YamlNode& node);

}  // namespace stagebox::scheduler
