#include "runtime/markdown/markup_codec.h"

#include <cstddef>
#include <cstdint>
#include <utility>

#include "runtime/test_reports/byte_codec.h"

namespace stagebox::markdown {
namespace {

using base::Result;
using test_reports::put_number;
using test_reports::put_text;

// The first byte is the version.
constexpr char kVersion = 1;

class DocumentDecoder {
 public:
  explicit DocumentDecoder(std::string_view bytes) : rest_(bytes, "summary") {}

  Result<Document> decode() {
    TRY(rest_.expect(kVersion));
    Document document;
    document.is_cut = TRY(rest_.number(1)) == 1;
    document.text = TRY(rest_.text(MarkupLimits::kText));
    const std::uint64_t count = TRY(rest_.number(MarkupLimits::kTokens));
    for (std::uint64_t i = 0; i < count; ++i) document.tokens.push_back(TRY(one_token()));
    if (depth_ != 0 || !rest_.at_end()) return rest_.damaged();
    return document;
  }

 private:
  Result<Token> one_token() {
    Token token;
    token.markup = static_cast<Markup>(TRY(rest_.number(static_cast<std::uint64_t>(kLastMarkup))));
    token.text = TRY(rest_.text(text_left_));
    text_left_ -= token.text.size();
    if (has_end(token.markup) && ++depth_ > MarkupLimits::kDepth) return rest_.damaged();
    if (token.markup == Markup::kEnd && depth_-- == 0) return rest_.damaged();
    if (token.markup == Markup::kLink && !is_link(token.text)) return rest_.damaged();
    return token;
  }

  test_reports::ByteReader rest_;
  std::size_t depth_ = 0;
  std::size_t text_left_ = MarkupLimits::kTokenText;
};

}  // namespace

std::string encode_document(const Document& document) {
  std::string bytes(1, kVersion);
  put_number(bytes, document.is_cut ? 1 : 0);
  put_text(bytes, document.text);
  put_number(bytes, document.tokens.size());
  for (const Token& token : document.tokens) {
    put_number(bytes, static_cast<std::uint64_t>(token.markup));
    put_text(bytes, token.text);
  }
  return bytes;
}

Result<Document> decode_document(std::string_view bytes) { return DocumentDecoder(bytes).decode(); }

}  // namespace stagebox::markdown
