#include "scheduler/plan.h"

#include <algorithm>
#include <queue>
#include <ranges>
#include <set>
#include <string_view>
#include <unordered_map>

#include "scheduler/diagnostics.h"
#include "scheduler/nearest_name.h"

namespace stagebox::scheduler {

class PlanBuilder {
 public:
  explicit PlanBuilder(const Pipeline& pipeline) : pipeline_(pipeline) {
    for (std::size_t i = 0; i < pipeline.stages.size(); ++i)
      indices_.emplace(pipeline.stages[i].id, i);
  }

  base::Result<Plan> build(const std::vector<std::string>& selected) {
    TRY(select(selected));
    add_stages();
    TRY(add_edges());
    TRY(sort());
    measure();
    return std::move(plan_);
  }

 private:
  static constexpr std::size_t kNotPlanned = static_cast<std::size_t>(-1);

  base::Result<std::size_t> find(std::string_view id) const;
  base::Result<void> select(const std::vector<std::string>& selected);
  void add_stages();
  base::Result<void> add_edges();
  base::Result<void> add_edge(std::size_t to, std::string_view from, EdgeKind kind,
                              std::string output, std::string input);
  base::Result<void> sort();
  void measure();

  const Pipeline& pipeline_;
  std::unordered_map<std::string_view, std::size_t> indices_;  // Into the pipeline.
  std::vector<bool> chosen_;
  std::vector<std::size_t> planned_as_;  // From the pipeline's index to the plan's.
  Plan plan_;
};

base::Result<std::size_t> PlanBuilder::find(std::string_view id) const {
  const auto found = indices_.find(id);
  if (found != indices_.end()) return found->second;
  // The name of a stage with a matrix is one of those that can be chosen.
  std::set<std::string_view> names;
  for (const Stage& stage : pipeline_.stages) names.insert({stage.name, stage.id});
  const std::vector<std::string_view> all(names.begin(), names.end());
  const std::string hint = name_hint(id, all);
  return base::not_found("the pipeline has no stage " + backquoted(id) + "; " +
                         (hint.empty() ? "`stagebox graph` shows them" : hint));
}

// Marks the selected stages and, step by step, everything they need.
base::Result<void> PlanBuilder::select(const std::vector<std::string>& selected) {
  chosen_.assign(pipeline_.stages.size(), selected.empty());
  std::vector<std::size_t> open;
  const auto choose = [&](std::size_t index) {
    if (!chosen_[index]) open.push_back(index);
    chosen_[index] = true;
  };
  for (const std::string& id : selected) {
    // The name of a stage with a matrix stands for all of its variants.
    bool variants = false;
    for (std::size_t i = 0; i < pipeline_.stages.size(); ++i) {
      const Stage& stage = pipeline_.stages[i];
      if (stage.matrix.empty() || stage.name != id) continue;
      choose(i);
      variants = true;
    }
    if (!variants) choose(TRY(find(id)));
  }
  while (!open.empty()) {
    const Stage& stage = pipeline_.stages[open.back()];
    open.pop_back();
    for (const Need& need : stage.needs) choose(TRY(find(need.stage)));
    for (const Input& input : stage.inputs) {
      if (const auto* from = std::get_if<FromOutput>(&input.source)) choose(TRY(find(from->stage)));
    }
  }
  return {};
}

void PlanBuilder::add_stages() {
  planned_as_.assign(pipeline_.stages.size(), kNotPlanned);
  plan_.stages_.reserve(pipeline_.stages.size());
  for (std::size_t i = 0; i < pipeline_.stages.size(); ++i) {
    if (!chosen_[i]) continue;
    planned_as_[i] = plan_.stages_.size();
    plan_.stages_.push_back({.index = planned_as_[i], .stage = pipeline_.stages[i]});
  }
}

base::Result<void> PlanBuilder::add_edges() {
  for (const PlannedStage& planned : plan_.stages_) {
    for (const Input& input : planned.stage.inputs) {
      if (const auto* from = std::get_if<FromOutput>(&input.source))
        TRY(add_edge(planned.index, from->stage, EdgeKind::kData, from->output, input.at.str()));
    }
    for (const Need& need : planned.stage.needs)
      TRY(add_edge(planned.index, need.stage, EdgeKind::kOrder, "", ""));
  }
  for (std::size_t i = 0; i < plan_.edges_.size(); ++i) {
    plan_.stages_[plan_.edges_[i].from].edges_out.push_back(i);
    plan_.stages_[plan_.edges_[i].to].edges_in.push_back(i);
  }
  return {};
}

base::Result<void> PlanBuilder::add_edge(std::size_t to, std::string_view from, EdgeKind kind,
                                         std::string output, std::string input) {
  const std::size_t source = planned_as_[TRY(find(from))];
  plan_.edges_.push_back({source, to, kind, std::move(output), std::move(input)});
  return {};
}

// Kahn's algorithm; of those that could come next, the first in the file does.
base::Result<void> PlanBuilder::sort() {
  std::vector<std::size_t> waiting_for(plan_.size());
  std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> next;
  for (const PlannedStage& stage : plan_.stages_) {
    waiting_for[stage.index] = stage.edges_in.size();
    if (stage.edges_in.empty()) next.push(stage.index);
  }
  while (!next.empty()) {
    const std::size_t index = next.top();
    next.pop();
    plan_.order_.push_back(index);
    for (const std::size_t edge : plan_.stages_[index].edges_out) {
      const std::size_t to = plan_.edges_[edge].to;
      if (--waiting_for[to] == 0) next.push(to);
    }
  }
  if (plan_.order_.size() == plan_.size()) return {};
  return base::invalid("the stages of the pipeline need each other in a cycle");
}

void PlanBuilder::measure() {
  auto& stages = plan_.stages_;
  for (const std::size_t index : plan_.order_) {
    for (const std::size_t edge : stages[index].edges_out) {
      PlannedStage& to = stages[plan_.edges_[edge].to];
      to.level = std::max(to.level, stages[index].level + 1);
    }
  }
  for (const std::size_t index : std::views::reverse(plan_.order_)) {
    for (const std::size_t edge : stages[index].edges_in) {
      PlannedStage& from = stages[plan_.edges_[edge].from];
      from.height = std::max(from.height, stages[index].height + 1);
    }
  }
}

base::Result<Plan> make_plan(const Pipeline& pipeline, const std::vector<std::string>& selected) {
  return PlanBuilder(pipeline).build(selected);
}

base::Result<Plan> make_plan(Pipeline&& pipeline, const std::vector<std::string>& selected) {
  const auto kept = std::make_shared<const Pipeline>(std::move(pipeline));
  Plan plan = TRY(PlanBuilder(*kept).build(selected));
  plan.pipeline_ = kept;
  return plan;
}

}  // namespace stagebox::scheduler
