// Content addresses: hashing, the key of a stage, and what is left out of a tree.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "runtime/base/digest.h"
#include "runtime/base/path_patterns.h"
#include "runtime/base/printable.h"
#include "runtime/store/action.h"
#include "samples.h"

namespace stagebox::bench {
namespace {

void hash(benchmark::State& state) {
  const std::string content = noise(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(base::Sha256::of(content));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(hash)->Arg(64)->Arg(4 << 10)->Arg(1 << 20);

void check_utf8(benchmark::State& state) {
  const std::string text = build_output(1 << 20);
  for (auto _ : state) benchmark::DoNotOptimize(base::is_utf8(text));
  state.SetBytesProcessed(state.iterations() * std::ssize(text));
}
BENCHMARK(check_utf8);

// A stage with so many inputs.
void stage_key(benchmark::State& state) {
  store::ActionSpec spec;
  spec.arguments = {"/bin/sh", "-euc", "make -j4 all && make test"};
  spec.environment = {{"PATH", "/usr/bin:/bin"}, {"LANG", "C.UTF-8"}, {"CI", "true"}};
  spec.output_paths = {base::RelativePath::parse("out/program").value()};
  spec.platform = {{"image", base::Sha256::of("image").oci()}, {"network", "none"}};
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    spec.inputs.push_back({base::RelativePath::parse("in/" + std::to_string(i)).value(),
                           store::InputTree{base::Sha256::of(std::to_string(i)), 100}});
  }
  for (auto _ : state) benchmark::DoNotOptimize(store::encode_action(spec));
}
BENCHMARK(stage_key)->Arg(1)->Arg(64);

// Paths a second, against so many patterns.
void ignore(benchmark::State& state) {
  static const std::vector<std::string> kPatterns{
      "*.o",     "build/",   "/dist",         "**/cache/*.tmp",
      "!keep.o", "*.py[co]", "node_modules/", "docs/**/out"};
  std::vector<std::string> some;
  for (std::int64_t i = 0; i < state.range(0); ++i)
    some.push_back(kPatterns[static_cast<std::size_t>(i) % kPatterns.size()]);
  const base::PathPatterns patterns = base::PathPatterns::parse(some).value();
  const std::vector<std::string> all = paths(1000);
  for (auto _ : state) {
    for (const std::string& path : all)
      benchmark::DoNotOptimize(patterns.match(path, base::EntryType::kOther));
  }
  state.SetItemsProcessed(state.iterations() * std::ssize(all));
}
BENCHMARK(ignore)->Arg(8)->Arg(64);

}  // namespace
}  // namespace stagebox::bench
