// A document as bytes: how a worker that parsed it tells what it found, and how the content store
// keeps it. The decoder trusts nothing. Pure.
#pragma once

#include <string>
#include <string_view>

#include "runtime/base/result.h"
#include "runtime/markdown/markup.h"

namespace stagebox::markdown {

std::string encode_document(const Document& document);
/// kCorrupt for anything that encode_document() would not make of a document within the limits.
base::Result<Document> decode_document(std::string_view bytes);

}  // namespace stagebox::markdown
