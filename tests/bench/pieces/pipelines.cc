// From the text of a pipeline file to the order of its stages: stages a second.
#include <benchmark/benchmark.h>

#include <string>

#include "samples.h"
#include "scheduler/file/parse_pipeline.h"
#include "scheduler/plan.h"

namespace stagebox::bench {
namespace {

void parse(benchmark::State& state) {
  const std::string text = chain(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(scheduler::parse_pipeline("stagebox.yaml", text));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(parse)->Arg(1)->Arg(100)->Arg(10000);

void plan(benchmark::State& state) {
  const auto parsed =
      scheduler::parse_pipeline("stagebox.yaml", chain(static_cast<std::size_t>(state.range(0))));
  const auto& pipeline = std::get<scheduler::Pipeline>(parsed);
  for (auto _ : state) benchmark::DoNotOptimize(scheduler::make_plan(pipeline));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(plan)->Arg(100)->Arg(10000);

}  // namespace
}  // namespace stagebox::bench
