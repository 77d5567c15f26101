#include "scheduler/graph.h"

#include <array>
#include <cstdio>
#include <vector>

#include "runtime/base/units.h"
#include "scheduler/diagnostics.h"

namespace stagebox::scheduler {
namespace {

// Replaces what `replacement` has something for (it returns nullptr for the rest).
template <typename Replacement>
std::string replaced(std::string_view text, Replacement replacement) {
  std::string result;
  for (const char c : text) {
    if (const char* instead = replacement(c))
      result += instead;
    else
      result += c;
  }
  return result;
}

// A quoted string of the DOT language: only the quote and the backslash mean something.
std::string dot_quoted(std::string_view text) {
  return "\"" +
         replaced(escape_controls(text),
                  [](char c) -> const char* {
                    if (c == '"') return "\\\"";
                    return c == '\\' ? "\\\\" : nullptr;
                  }) +
         "\"";
}

// Mermaid reads HTML entities inside of quoted labels, with # in place of &.
std::string mermaid_quoted(std::string_view text) {
  return "\"" +
         replaced(escape_controls(text),
                  [](char c) -> const char* {
                    switch (c) {
                      case '"':
                        return "#quot;";
                      case '#':
                        return "#35;";
                      case '&':
                        return "#amp;";
                      case '<':
                        return "#lt;";
                      case '>':
                        return "#gt;";
                      case '`':
                        return "#96;";
                      case '|':
                        return "#124;";
                      case ';':
                        return "#59;";
                      case '\\':
                        return "#92;";
                      default:
                        return nullptr;
                    }
                  }) +
         "\"";
}

std::string json_quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      std::array<char, 8> buffer{};
      std::snprintf(buffer.data(), buffer.size(), "\\u%04x", static_cast<unsigned>(c));
      result += buffer.data();
    } else {
      result += c;
    }
  }
  return result + "\"";
}

std::string_view id_of(const Plan& plan, std::size_t index) {
  return plan.stages()[index].stage.id;
}

std::string text_edge(const Plan& plan, const PlanEdge& edge) {
  const std::string from(id_of(plan, edge.from));
  if (edge.kind == EdgeKind::kOrder) return "    after " + escape_controls(from) + "\n";
  return "    takes " + escape_controls(from + "." + edge.output) + " as " +
         escape_controls(edge.input) + "\n";
}

std::string render_text(const Plan& plan, std::string_view title) {
  std::string text = escape_controls(title.empty() ? "pipeline" : title) + ": " +
                     base::counted(plan.size(), "stage") + "\n";
  std::size_t levels = 0;
  for (const PlannedStage& stage : plan.stages()) levels = std::max(levels, stage.level + 1);
  std::vector<std::vector<std::size_t>> by_level(levels);
  for (const PlannedStage& stage : plan.stages()) by_level[stage.level].push_back(stage.index);
  for (std::size_t level = 0; level < levels; ++level) {
    text += "level " + std::to_string(level + 1) + "\n";
    for (const std::size_t index : by_level[level]) {
      const PlannedStage& stage = plan.stages()[index];
      text += "  " + escape_controls(stage.stage.id);
      if (stage.stage.when != When::kSuccess)
        text += " (when: " + std::string(to_string(stage.stage.when)) + ")";
      text += "\n";
      for (const std::size_t edge : stage.edges_in) text += text_edge(plan, plan.edges()[edge]);
    }
  }
  return text;
}

std::string render_dot(const Plan& plan, std::string_view title) {
  std::string text = "digraph " + dot_quoted(title.empty() ? "pipeline" : title) +
                     " {\n  rankdir=LR;\n  node [shape=box];\n";
  for (const PlannedStage& stage : plan.stages()) text += "  " + dot_quoted(stage.stage.id) + ";\n";
  for (const PlanEdge& edge : plan.edges()) {
    text += "  " + dot_quoted(id_of(plan, edge.from)) + " -> " + dot_quoted(id_of(plan, edge.to));
    text += edge.kind == EdgeKind::kData ? " [label=" + dot_quoted(edge.output) + "];\n"
                                         : " [style=dashed];\n";
  }
  return text + "}\n";
}

// Nodes are numbered: Mermaid has words that cannot be ids ("end").
std::string render_mermaid(const Plan& plan) {
  std::string text = "flowchart LR\n";
  for (const PlannedStage& stage : plan.stages())
    text += "  s" + std::to_string(stage.index) + "[" + mermaid_quoted(stage.stage.id) + "]\n";
  for (const PlanEdge& edge : plan.edges()) {
    text += "  s" + std::to_string(edge.from);
    text += edge.kind == EdgeKind::kData ? " -->|" + mermaid_quoted(edge.output) + "| " : " -.-> ";
    text += "s" + std::to_string(edge.to) + "\n";
  }
  return text;
}

std::string json_edge(const Plan& plan, const PlanEdge& edge) {
  const std::string text = "{\"from\": " + json_quoted(id_of(plan, edge.from)) +
                           ", \"to\": " + json_quoted(id_of(plan, edge.to));
  if (edge.kind == EdgeKind::kOrder) return text + ", \"kind\": \"order\"}";
  return text + ", \"kind\": \"data\", \"output\": " + json_quoted(edge.output) +
         ", \"input\": " + json_quoted(edge.input) + "}";
}

std::string json_services(const Stage& stage) {
  std::string text;
  for (const Service& service : stage.services)
    text += (text.empty() ? "" : ", ") + json_quoted(service.name);
  return text.empty() ? "" : ", \"services\": [" + text + "]";
}

std::string json_stage(const PlannedStage& stage) {
  return "{\"id\": " + json_quoted(stage.stage.id) +
         ", \"image\": " + json_quoted(stage.stage.image) +
         ", \"when\": " + json_quoted(to_string(stage.stage.when)) +
         ", \"level\": " + std::to_string(stage.level) + json_services(stage.stage) + "}";
}

std::string render_json(const Plan& plan, std::string_view title) {
  std::string text = "{\n  \"name\": " + json_quoted(title) + ",\n  \"stages\": [";
  std::string_view separator = "\n    ";
  for (const PlannedStage& stage : plan.stages()) {
    text += separator;
    text += json_stage(stage);
    separator = ",\n    ";
  }
  text += "\n  ],\n  \"edges\": [";
  separator = "\n    ";
  for (const PlanEdge& edge : plan.edges()) {
    text += separator;
    text += json_edge(plan, edge);
    separator = ",\n    ";
  }
  return text + "\n  ]\n}\n";
}

}  // namespace

std::optional<GraphFormat> graph_format_from(std::string_view name) {
  if (name == "text") return GraphFormat::kText;
  if (name == "dot") return GraphFormat::kDot;
  if (name == "mermaid") return GraphFormat::kMermaid;
  if (name == "json") return GraphFormat::kJson;
  return std::nullopt;
}

std::string render_graph(const Plan& plan, std::string_view title, GraphFormat format) {
  switch (format) {
    case GraphFormat::kText:
      return render_text(plan, title);
    case GraphFormat::kDot:
      return render_dot(plan, title);
    case GraphFormat::kMermaid:
      return render_mermaid(plan);
    case GraphFormat::kJson:
      return render_json(plan, title);
  }
  return "";
}

}  // namespace stagebox::scheduler
