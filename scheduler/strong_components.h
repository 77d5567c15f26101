// strong_components: which nodes of a directed graph lead to each other. In time linear in nodes
// and edges, and without recursion: the graph may be as deep as it is large.
#pragma once

#include <cstddef>
#include <vector>

namespace stagebox::scheduler {

/// `[i]` are the nodes that node i points to, in any order; the same one may be there again.
using Successors = std::vector<std::vector<std::size_t>>;

/// For each node the smallest of those that it leads to and that lead back to it, itself included:
/// two nodes are in the same strongly connected component when theirs is the same.
std::vector<std::size_t> strong_components(const Successors& successors);

}  // namespace stagebox::scheduler
