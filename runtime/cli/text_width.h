// How wide text is on a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace stagebox::cli {

/// Columns that a text takes that has no control characters but tabs and colours (ECMA-48 SGR), at
/// the most: characters that some terminals show in two columns are taken to need two, and those
/// that are combined with the one before them to need one.
std::size_t columns_of(std::string_view text);

/// The beginning of a text that has no control characters but tabs and colours, in at most so many
/// columns; an ellipsis stands for what was left out, and no colour goes on behind it.
std::string fit(const std::string& text, std::size_t columns);

}  // namespace stagebox::cli
