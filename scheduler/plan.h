// Plan: the stages of a run and what each waits for, as indices. Pure and fixed: it decides what
// could run in which order; whether it does is SchedulerState's business.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "scheduler/pipeline.h"

namespace stagebox::scheduler {

enum class EdgeKind {
  kData,   ///< An output of `from` is an input of `to`.
  kOrder,  ///< `to` needs `from`, without data.
};

struct PlanEdge {
  std::size_t from = 0;
  std::size_t to = 0;
  EdgeKind kind = EdgeKind::kOrder;
  std::string output;  ///< The name of the output; empty without data.
  std::string input;   ///< Where it is in the workspace of `to`; empty without data.
};

struct PlannedStage {
  std::size_t index = 0;  ///< In Plan::stages(); those are in the order of the file.
  const Stage& stage;     ///< Of the pipeline.
  std::vector<std::size_t> edges_in =
      {};  ///< Indices into Plan::edges(). There can be several from
  std::vector<std::size_t> edges_out =
      {};  ///< one stage: one for each output and one for the order.
  std::size_t level =
      0;  ///< Stages on the longest way from a stage that waits for nothing; 0 there.
  std::size_t height = 1;  ///< Stages on the longest way to a stage that none waits for, this one
                           ///< included: how much of a run is still to come.
};

class Plan {
 public:
  [[nodiscard]] const std::vector<PlannedStage>& stages() const { return stages_; }
  [[nodiscard]] const std::vector<PlanEdge>& edges() const { return edges_; }
  /// Every stage after all that it waits for; else in the order of the file.
  [[nodiscard]] const std::vector<std::size_t>& order() const { return order_; }
  [[nodiscard]] std::size_t size() const { return stages_.size(); }

 private:
  friend class PlanBuilder;
  friend base::Result<Plan> make_plan(Pipeline&& pipeline,
                                      const std::vector<std::string>& selected);

  std::shared_ptr<const Pipeline> pipeline_;  // Where the plan keeps it.
  std::vector<PlannedStage> stages_;
  std::vector<PlanEdge> edges_;
  std::vector<std::size_t> order_;
};

/// The stages named in `selected` (the name of a stage with a matrix: all its variants) with
/// everything they need, or all when it is empty. kNotFound for a name that is no stage; kInvalid
/// for a cycle or an edge to nothing, which a Pipeline from parse_pipeline() does not have. Time
/// and memory grow with stages plus edges. The pipeline's stages outlive the plan.
base::Result<Plan> make_plan(const Pipeline& pipeline,
                             const std::vector<std::string>& selected = {});
/// The same; the plan keeps the pipeline.
base::Result<Plan> make_plan(Pipeline&& pipeline, const std::vector<std::string>& selected = {});

}  // namespace stagebox::scheduler
