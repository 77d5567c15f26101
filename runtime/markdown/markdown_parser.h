// Reads Markdown: CommonMark with GitHub's tables, task lists, strikethrough and bare links
// (https://github.github.com/gfm), and of HTML what folds: <details> and <summary>, <br> and
// comments. All other HTML is text. Hostile text is parsed in a worker that has nothing to lose.
#pragma once

#include <string_view>

#include "runtime/markdown/markup.h"

namespace stagebox::markdown {

/// Any bytes. What is more than the limits allow is left out, and the document says so; of the text
/// whole lines are.
Document read_markdown(std::string_view bytes);

}  // namespace stagebox::markdown
