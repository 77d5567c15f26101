// Markup: what a text in Markdown says, as a flat list of what begins, what ends and the text
// between them, so that whoever shows it needs neither a parser nor recursion. Nothing in it can
// name what is loaded or executed. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace stagebox::markdown {

enum class Markup : std::uint8_t {
  // These stand alone.
  kText,
  kEnd,  ///< Of what began last and has not ended.
  kLineBreak,
  kRule,
  kCode,
  kCodeBlock,
  // These go on to their end.
  kParagraph,
  kHeading,  ///< Its text is its level, "1" to "6".
  kQuote,
  kList,
  kNumberedList,  ///< Its text is the first number.
  kItem,
  kTask,  ///< An item; its text is "x" when it is done.
  kTable,
  kRow,
  kHeadCell,  ///< Its text is "right" or "center", or empty.
  kCell,      ///< The same.
  kEmphasis,
  kStrong,
  kDeleted,
  kLink,  ///< Its text is a URL for which is_link() holds.
  kDetails,
  kDetailsTitle,  ///< What is seen of them when they are folded.
};
inline constexpr Markup kLastMarkup = Markup::kDetailsTitle;

/// Whether an end belongs to it.
bool has_end(Markup markup);
/// Whether it may be followed: http, https or mailto, and no character that ends a line or a word.
bool is_link(std::string_view url);

struct Token {
  Markup markup = Markup::kText;
  std::string text = {};
  bool operator==(const Token&) const = default;
};

struct MarkupLimits {
  static constexpr std::size_t kText = std::size_t{1} << 20U;  ///< Bytes of the Markdown.
  /// Bytes that are looked at for them: what no text may have goes.
  static constexpr std::size_t kInput = 4 * kText;
  static constexpr std::size_t kTokens = 200'000;
  static constexpr std::size_t kTokenText = 2 * kText;  ///< Bytes of all tokens' text.
  static constexpr std::size_t kDepth = 40;
};

/// Text in Markdown and what it says. Every token that has an end has one, and none is deeper than
/// MarkupLimits::kDepth.
struct Document {
  std::string text;     ///< As clean_text() leaves it.
  bool is_cut = false;  ///< There was more than the limits allow.
  std::vector<Token> tokens = {};
  bool operator==(const Document&) const = default;
};

}  // namespace stagebox::markdown
