#include "scheduler/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/unit/scheduler/test_plans.h"

namespace stagebox::scheduler {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Graph, Text) {
  EXPECT_EQ(render_graph(testing::plan("a; b: a.out; c!: a, b"), "demo", GraphFormat::kText),
            "demo: 3 stages\n"
            "level 1\n"
            "  a\n"
            "level 2\n"
            "  b\n"
            "    takes a.out as in/a.out\n"
            "level 3\n"
            "  c (when: failure)\n"
            "    after a\n"
            "    after b\n");
}

TEST(Graph, Dot) {
  EXPECT_EQ(render_graph(testing::plan("a; b: a.out, a"), "demo", GraphFormat::kDot),
            "digraph \"demo\" {\n"
            "  rankdir=LR;\n"
            "  node [shape=box];\n"
            "  \"a\";\n"
            "  \"b\";\n"
            "  \"a\" -> \"b\" [label=\"out\"];\n"
            "  \"a\" -> \"b\" [style=dashed];\n"
            "}\n");
}

TEST(Graph, Mermaid) {
  EXPECT_EQ(render_graph(testing::plan("end; b: end.out, end"), "demo", GraphFormat::kMermaid),
            "flowchart LR\n"
            "  s0[\"end\"]\n"
            "  s1[\"b\"]\n"
            "  s0 -->|\"out\"| s1\n"
            "  s0 -.-> s1\n");
}

TEST(Graph, Json) {
  const auto json = nlohmann::json::parse(
      render_graph(testing::plan("a; b: a.out, a"), "demo", GraphFormat::kJson));
  EXPECT_EQ(json["name"], "demo");
  EXPECT_EQ(json["stages"][1]["id"], "b");
  EXPECT_EQ(json["stages"][1]["level"], 1);
  EXPECT_EQ(json["edges"][0]["output"], "out");
  EXPECT_EQ(json["edges"][0]["input"], "in/a.out");
  EXPECT_EQ(json["edges"][1]["kind"], "order");
  EXPECT_TRUE(nlohmann::json::parse(render_graph(Plan(), "", GraphFormat::kJson))["edges"].empty());
}

TEST(Graph, EscapesHostileNames) {
  Pipeline pipeline;
  Stage stage;
  stage.id = "x\"]; evil --> \\\n<script>alert(1)</script>`|#;\x1b[2J";
  pipeline.stages.push_back(stage);
  const Plan plan = make_plan(pipeline).value();
  const std::string dot = render_graph(plan, "t\"{", GraphFormat::kDot);
  EXPECT_THAT(dot, HasSubstr("digraph \"t\\\"{\" {"));
  EXPECT_THAT(dot, HasSubstr("\"x\\\"]; evil --> \\\\\\\\n<script>"));
  const std::string mermaid = render_graph(plan, "", GraphFormat::kMermaid);
  EXPECT_THAT(mermaid, HasSubstr("s0[\"x#quot;]#59; evil --#gt; "));
  EXPECT_THAT(mermaid, Not(HasSubstr("<script>")));
  const auto json = nlohmann::json::parse(render_graph(plan, stage.id, GraphFormat::kJson));
  EXPECT_EQ(json["stages"][0]["id"], stage.id);
  EXPECT_EQ(json["name"], stage.id);
  for (const auto format : {GraphFormat::kText, GraphFormat::kDot, GraphFormat::kMermaid})
    EXPECT_THAT(render_graph(plan, stage.id, format), Not(HasSubstr("\x1b")));
}

TEST(Graph, FormatNames) {
  EXPECT_EQ(graph_format_from("dot"), GraphFormat::kDot);
  EXPECT_EQ(graph_format_from("png"), std::nullopt);
}

}  // namespace
}  // namespace stagebox::scheduler
