// find_cycles: the cycles of a directed graph that are to be told to who wrote it. Not all: a graph
// may have more of them than anybody can count. In time linear in nodes and edges.
#pragma once

#include <cstddef>
#include <vector>

#include "scheduler/strong_components.h"

namespace stagebox::scheduler {

/// The nodes of a cycle in order, without repeating the first.
using Cycle = std::vector<std::size_t>;

/// Of each strongly connected component a shortest cycle through its smallest node, which begins
/// it; and each node that points to itself as a cycle of its own. In the order of their first
/// nodes. Empty when the graph has no cycle.
std::vector<Cycle> find_cycles(const Successors& successors);

}  // namespace stagebox::scheduler
