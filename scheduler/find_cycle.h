// find_cycle: a cycle of a directed graph, if there is one. Without recursion: the graph may be as
// deep as it is large.
#pragma once

#include <cstddef>
#include <vector>

namespace stagebox::scheduler {

/// `successors[i]` are the nodes that node i points to. The nodes of one cycle in order, without
/// repeating the first; empty when there is none.
std::vector<std::size_t> find_cycle(const std::vector<std::vector<std::size_t>>& successors);

}  // namespace stagebox::scheduler
