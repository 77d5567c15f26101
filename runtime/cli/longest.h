// How wide a column of names has to be.
#pragma once

#include <algorithm>
#include <cstddef>

namespace stagebox::cli {

/// In bytes, the longest name of these rows; 0 without any.
template <typename Rows, typename NameOf>
std::size_t longest(const Rows& rows, const NameOf& name_of) {
  std::size_t width = 0;
  for (const auto& row : rows) width = std::max(width, name_of(row).size());
  return width;
}

}  // namespace stagebox::cli
