// What is prepared once for all sandboxes.
#include <benchmark/benchmark.h>

#include "sandbox/seccomp/seccomp_policy.h"

namespace stagebox::bench {
namespace {

void compile_filter(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(sandbox::compile_default_policy());
}
BENCHMARK(compile_filter)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace stagebox::bench
