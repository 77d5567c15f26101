// Reports of tests, as a stage may write them: cases a second.
#include <benchmark/benchmark.h>

#include <string>

#include "runtime/test_reports/junit_parser.h"
#include "samples.h"

namespace stagebox::bench {
namespace {

void junit(benchmark::State& state) {
  const std::string report = junit_report(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(test_reports::parse_junit(report));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(junit)->Arg(10)->Arg(10000);

}  // namespace
}  // namespace stagebox::bench
