#include "scheduler/file/validate.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "scheduler/file/check_cycles.h"
#include "scheduler/file/check_paths.h"
#include "scheduler/nearest_name.h"

namespace stagebox::scheduler {
namespace {

// Of a stage and its service together. Logs are files that are called so, with a number and an
// ending.
constexpr std::size_t kLongestServiceLog = 230;

class Validator {
 public:
  Validator(const Pipeline& pipeline, Diagnostics& diagnostics);
  void run();

 private:
  void check_images(const Stage& stage);
  void check_image(const std::string& image, Position position);
  void check_service_names(const Stage& stage);
  void check_needs(std::size_t index);
  void check_from(std::size_t index, const FromOutput& from);
  [[nodiscard]] const Output* find_output(const FromOutput& from) const;
  void check_when(const Stage& stage);
  void check_waits_for_failure(const Stage& stage);
  void check_outputs_of_failures(const Stage& stage);
  void check_mutexes();
  void report_unknown(Position position, std::string_view what, std::string_view name,
                      const std::vector<std::string_view>& known);
  [[nodiscard]] bool may_be_variant(std::string_view id) const;
  // Whether the stage exists; remembers the edge.
  bool connect(std::size_t index, std::string_view needed, Position position);

  const Pipeline& pipeline_;
  Diagnostics& diagnostics_;
  std::vector<std::string_view> image_names_;
  std::set<std::string_view> images_;
  std::vector<std::string_view> stage_names_;
  std::map<std::string_view, std::size_t> stages_;    // by their ids
  std::map<std::string_view, std::size_t> variants_;  // the first of each matrix, by its name
  Successors needed_by_stage_;
};

Validator::Validator(const Pipeline& pipeline, Diagnostics& diagnostics)
    : pipeline_(pipeline), diagnostics_(diagnostics), needed_by_stage_(pipeline.stages.size()) {
  for (const Image& image : pipeline.images) image_names_.push_back(image.name);
  images_.insert(image_names_.begin(), image_names_.end());
  for (std::size_t i = 0; i < pipeline.stages.size(); ++i) {
    stage_names_.push_back(pipeline.stages[i].id);
    stages_.emplace(pipeline.stages[i].id, i);
    if (pipeline.stages[i].name != pipeline.stages[i].id)
      variants_.emplace(pipeline.stages[i].name, i);
  }
}

void Validator::run() {
  for (std::size_t i = 0; i < pipeline_.stages.size(); ++i) {
    const Stage& stage = pipeline_.stages[i];
    check_images(stage);
    check_service_names(stage);
    check_paths(stage, diagnostics_);
    check_needs(i);
    for (const Input& input : stage.inputs) {
      if (const auto* from = std::get_if<FromOutput>(&input.source)) check_from(i, *from);
    }
    check_when(stage);
  }
  check_mutexes();
  check_cycles(pipeline_, needed_by_stage_, diagnostics_);
}

void Validator::report_unknown(Position position, std::string_view what, std::string_view name,
                               const std::vector<std::string_view>& known) {
  std::string hint;
  if (!diagnostics_.full()) hint = known.empty() ? "none is defined" : name_hint(name, known);
  diagnostics_.add(position, "unknown " + std::string(what) + " " + backquoted(name), hint);
}

void Validator::check_images(const Stage& stage) {
  check_image(stage.image, stage.image_position);
  for (const Service& service : stage.services) check_image(service.image, service.image_position);
}

void Validator::check_image(const std::string& image, Position position) {
  if (image.empty()) return;  // Reported already.
  if (!images_.contains(image)) report_unknown(position, "image", image, image_names_);
}

void Validator::check_service_names(const Stage& stage) {
  for (const Service& service : stage.services) {
    const std::size_t both = stage.id.size() + service.name.size();
    if (both <= kLongestServiceLog) continue;
    diagnostics_.add(service.position,
                     "the names of the service and of its stage, " + backquoted(stage.id) +
                         ", have " + std::to_string(both) + " characters; at most " +
                         std::to_string(kLongestServiceLog) + " fit into the name of its log",
                     "shorten one of them, or values of the matrix");
  }
}

// Of a stage whose matrix is wrong: whether that is its name is known when the matrix is mended.
bool Validator::may_be_variant(std::string_view id) const {
  const auto found = stages_.find(id.substr(0, id.find('[')));
  return found != stages_.end() && !pipeline_.stages[found->second].variants_known;
}

bool Validator::connect(std::size_t index, std::string_view needed, Position position) {
  const auto found = stages_.find(needed);
  if (found == stages_.end()) {
    if (may_be_variant(needed)) return false;
    const auto variant = variants_.find(needed);
    if (variant != variants_.end()) {
      diagnostics_.add(
          position, "the stage " + backquoted(needed) + " has a matrix: which of its outputs?",
          "name one of them, such as " + backquoted(pipeline_.stages[variant->second].id));
      return false;
    }
    report_unknown(position, "stage", needed, stage_names_);
    return false;
  }
  needed_by_stage_[index].push_back(found->second);
  return true;
}

void Validator::check_needs(std::size_t index) {
  std::set<std::string_view> seen;
  for (const Need& need : pipeline_.stages[index].needs) {
    if (!seen.insert(need.stage).second)
      diagnostics_.add(need.position, "`needs` names " + backquoted(need.stage) + " twice",
                       "remove one of them");
    else
      connect(index, need.stage, need.position);
  }
}

void Validator::check_from(std::size_t index, const FromOutput& from) {
  if (!connect(index, from.stage, from.position)) return;
  const Stage& source = pipeline_.stages[stages_.at(from.stage)];
  if (source.find_output(from.output) != nullptr) return;
  std::vector<std::string_view> known;
  known.reserve(source.outputs.size());
  for (const Output& output : source.outputs) known.push_back(output.name);
  report_unknown(from.position, "output of the stage " + backquoted(from.stage) + ":", from.output,
                 known);
}

const Output* Validator::find_output(const FromOutput& from) const {
  const auto source = stages_.find(from.stage);
  if (source == stages_.end()) return nullptr;
  return pipeline_.stages[source->second].find_output(from.output);
}

void Validator::check_when(const Stage& stage) {
  if (stage.when == When::kFailure) check_waits_for_failure(stage);
  if (stage.when == When::kSuccess) check_outputs_of_failures(stage);
}

// One that waits for a success cannot take what there is of failures only.
void Validator::check_outputs_of_failures(const Stage& stage) {
  for (const Input& input : stage.inputs) {
    const auto* from = std::get_if<FromOutput>(&input.source);
    const Output* output = from == nullptr ? nullptr : find_output(*from);
    if (output == nullptr || output->is_result()) continue;
    const Stage& source = pipeline_.stages[stages_.at(from->stage)];
    if (source.allow_failure.which != AllowFailure::Which::kNone) continue;
    diagnostics_.add(
        from->position,
        "the stage " + backquoted(stage.id) + " can never run: it waits for the success of " +
            backquoted(source.id) + ", and takes an output that there is only when that fails",
        "give the stage `when: always` or `when: failure`, or the output `when: always`");
  }
}

// A stage that waits for a failure cannot take an output of the one that fails, unless it is one
// that failures leave.
void Validator::check_waits_for_failure(const Stage& stage) {
  std::set<std::string_view> sources;
  bool takes_of_failure = false;
  for (const Input& input : stage.inputs) {
    const auto* from = std::get_if<FromOutput>(&input.source);
    if (from == nullptr) continue;
    const Output* output = find_output(*from);
    if (output != nullptr && output->is_left_by_failure())
      takes_of_failure = true;
    else
      sources.insert(from->stage);
  }
  if (takes_of_failure) return;
  const bool possible =
      std::ranges::any_of(stage.needs, [&](const Need& n) { return !sources.contains(n.stage); });
  if (possible) return;
  diagnostics_.add(stage.when_position,
                   "the stage " + backquoted(stage.id) +
                       " can never run: it waits for the failure of a stage, but " +
                       (sources.empty() ? "needs none" : "takes the outputs of all that it needs"),
                   "name the stage whose failure it waits for under `needs`");
}

// A group that one stage takes across runs and another one does not would keep nothing apart.
void Validator::check_mutexes() {
  struct Use {
    const Stage* stage;
    bool across_runs;
  };
  std::map<std::string_view, Use> groups;
  for (const Stage& stage : pipeline_.stages) {
    for (const std::string& name : stage.mutex) {
      const bool across_runs = std::ranges::binary_search(stage.mutex_across_runs, name);
      const Use& first = groups.emplace(name, Use{&stage, across_runs}).first->second;
      if (first.across_runs == across_runs) continue;
      const std::string& with = across_runs ? stage.id : first.stage->id;
      const std::string& without = across_runs ? first.stage->id : stage.id;
      diagnostics_.add(stage.position,
                       "the mutex " + backquoted(name) + " holds across runs in the stage " +
                           backquoted(with) + " and not in " + backquoted(without),
                       "write {name: " + name + ", across: runs} in both");
    }
  }
}

}  // namespace

void validate(const Pipeline& pipeline, Diagnostics& diagnostics) {
  Validator(pipeline, diagnostics).run();
}

}  // namespace stagebox::scheduler
