#include "runtime/run/memo/memo_rules.h"

#include <algorithm>
#include <type_traits>

namespace stagebox::run {
namespace {

// Each of these names every field there is, so that one more does not compile. To make it compile,
// say what the field means for a run that is answered without looking at the pipeline: it is part
// of the file and nothing else (most are), it leads to something that the memo must look at (teach
// MemoWriter), or stages that use it are not remembered.

bool may_be_remembered(const scheduler::Stage& stage) {
  [[maybe_unused]] const auto& [id, name, matrix, variants_known, condition, position, image,
                                image_position, inputs, env, run, outputs, needs, resources,
                                timeout, allow_failure, retry, mutex, mutex_across_runs, when,
                                when_position, jobserver, workdir, shell, user, network, secrets,
                                caches, services, tests, coverage, summary, quarantine,
                                capabilities, cache, cache_ttl, salt] = stage;
  // Caches are no part of the key, and nobody restores them where nothing runs. MemoWriter looks at
  // test results, coverage and summaries; what was in quarantine is decided when a stage runs.
  return network.is_none() && secrets.empty() && services.empty() &&
         cache == scheduler::CachePolicy::kAuto && !cache_ttl && capabilities == 0;
}

// InputWitness sees what these lead to.
[[maybe_unused]] void check_inputs(const scheduler::Input& input,
                                   const scheduler::HostPath& source) {
  [[maybe_unused]] const auto& [at, position, kind, mode] = input;
  [[maybe_unused]] const auto& [path, exclude, include, gitignore] = source;
  static_assert(std::variant_size_v<decltype(input.source)> == 2);
}

// MemoWriter looks at what these lead to.
[[maybe_unused]] void check_image(const scheduler::Image& image) {
  [[maybe_unused]] const auto& [name, position, source, digest] = image;
  static_assert(std::variant_size_v<decltype(image.source)> == 2);
}

}  // namespace

bool may_be_remembered(const scheduler::Pipeline& pipeline, const scheduler::Plan& plan) {
  [[maybe_unused]] const auto& [name, params, images, stages, timeout] = pipeline;
  return std::ranges::all_of(plan.stages(), [](const scheduler::PlannedStage& planned) {
    return may_be_remembered(planned.stage);
  });
}

}  // namespace stagebox::run
