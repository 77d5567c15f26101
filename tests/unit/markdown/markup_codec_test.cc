#include "runtime/markdown/markup_codec.h"

#include <gtest/gtest.h>

namespace stagebox::markdown {
namespace {

Document sample() {
  return {"# \xc3\xa4\n",
          true,
          {{Markup::kHeading, "1"},
           {Markup::kText, "\xc3\xa4"},
           {Markup::kEnd},
           {Markup::kRule},
           {Markup::kLink, "https://a.example"},
           {Markup::kEnd}}};
}

TEST(MarkupCodec, RoundTrip) {
  EXPECT_EQ(decode_document(encode_document(sample())).value(), sample());
  EXPECT_EQ(decode_document(encode_document({})).value(), Document());
}

// No byte can be taken away, and none added.
TEST(MarkupCodec, ATornMessageIsNone) {
  const std::string bytes = encode_document(sample());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_document(bytes.substr(0, size)).ok()) << size;
  EXPECT_FALSE(decode_document(bytes + '\0').ok());
}

TEST(MarkupCodec, RefusesWhatTheParserNeverSays) {
  const auto is_refused = [](std::vector<Token> tokens) {
    return !decode_document(encode_document({"", false, std::move(tokens)})).ok();
  };
  EXPECT_TRUE(is_refused({{Markup::kEnd}})) << "an end of nothing";
  EXPECT_TRUE(is_refused({{Markup::kList}})) << "no end";
  EXPECT_TRUE(is_refused({{Markup::kList}, {Markup::kEnd}, {Markup::kEnd}, {Markup::kList}}));
  EXPECT_TRUE(is_refused({{Markup::kText, "\x1b[1m"}}));
  EXPECT_TRUE(is_refused({{Markup::kLink, "javascript:alert(1)"}, {Markup::kEnd}}));
  EXPECT_TRUE(is_refused({{static_cast<Markup>(static_cast<int>(kLastMarkup) + 1)}}));
  const auto nested = [](std::size_t depth) {
    std::vector<Token> tokens(depth, Token{Markup::kQuote});
    tokens.resize(2 * depth, {Markup::kEnd});
    return tokens;
  };
  EXPECT_FALSE(is_refused(nested(MarkupLimits::kDepth)));
  EXPECT_TRUE(is_refused(nested(MarkupLimits::kDepth + 1)));
  const Token half{Markup::kText, std::string(MarkupLimits::kTokenText / 2, 'x')};
  EXPECT_FALSE(is_refused({half, half}));
  EXPECT_TRUE(is_refused({half, half, {Markup::kText, "x"}}));
  EXPECT_FALSE(
      decode_document(encode_document({std::string(MarkupLimits::kText + 1, 'x'), false, {}}))
          .ok());
}

}  // namespace
}  // namespace stagebox::markdown
