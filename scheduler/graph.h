// render_graph: a plan for people (text) and for other programs (dot, Mermaid, JSON).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "scheduler/plan.h"

namespace stagebox::scheduler {

enum class GraphFormat { kText, kDot, kMermaid, kJson };

/// "text", "dot", "mermaid", "json".
std::optional<GraphFormat> graph_format_from(std::string_view name);

/// `title` and every name in the plan may be hostile: each format escapes them, and none of them
/// contains a control character but line ends. Ends with a line end.
std::string render_graph(const Plan& plan, std::string_view title, GraphFormat format);

}  // namespace stagebox::scheduler
