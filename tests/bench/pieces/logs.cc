// What every byte of a stage's output goes through, alone: bytes a second.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "runtime/base/unique_fd.h"
#include "runtime/logs/log_frame.h"
#include "runtime/logs/log_watch.h"
#include "runtime/logs/log_writer.h"
#include "runtime/run/secrets/secret_automaton.h"
#include "runtime/run/secrets/secret_masker.h"
#include "runtime/run/secrets/secret_patterns.h"
#include "samples.h"

namespace stagebox::bench {
namespace {

constexpr std::size_t kText = std::size_t{8} << 20;
constexpr std::size_t kPiece = std::size_t{64} << 10;  // what is read from a pipe at once, about

using Text = std::string (*)(std::size_t);

template <typename Use>
void for_each_piece(const std::string& text, Use use) {
  const auto bytes = std::as_bytes(std::span(text));
  for (std::size_t at = 0; at < bytes.size(); at += kPiece)
    use(bytes.subspan(at, std::min(kPiece, bytes.size() - at)));
}

void count(benchmark::State& state, const std::string& text) {
  state.SetBytesProcessed(state.iterations() * std::ssize(text));
}

run::SecretAutomaton secrets(std::size_t number) {
  run::SecretPatterns patterns;
  for (std::size_t i = 0; i < number; ++i) {
    const std::string value =
        "Pa55-word/of+" + std::to_string(i * 7919) + "?" + std::string(i % 5, 'x');
    patterns.add_value(value);
  }
  return run::SecretAutomaton(patterns);
}

void mask(benchmark::State& state, Text make, std::size_t number) {
  const std::string text = make(kText);
  const run::SecretAutomaton automaton = secrets(number);
  std::string out;
  for (auto _ : state) {
    run::SecretMasker masker(automaton);
    for_each_piece(text, [&](std::span<const std::byte> piece) {
      out.clear();
      masker.feed(piece, out);
      benchmark::DoNotOptimize(out.data());
    });
  }
  count(state, text);
}

void watch(benchmark::State& state, Text make) {
  const std::string text = make(kText);
  for (auto _ : state) {
    logs::LogWatch watching;
    for_each_piece(text, [&](std::span<const std::byte> piece) {
      watching.add(logs::Stream::kStdout, piece);
    });
    benchmark::DoNotOptimize(watching);
  }
  count(state, text);
}

void frame(benchmark::State& state, Text make) {
  const std::string text = make(kPiece * 4);
  logs::FrameMaker maker;
  for (auto _ : state) {
    const auto made = maker.make(std::as_bytes(std::span(text)));
    if (!made.ok()) return state.SkipWithError(made.error().message.c_str());
    state.counters["of_a_byte"] =
        static_cast<double>(made->size()) / static_cast<double>(text.size());
  }
  count(state, text);
}

// To a file that is removed: what the page cache and the file system take is in it.
void write(benchmark::State& state, Text make) {
  const std::string text = make(kText);
  const std::string dir = std::filesystem::temp_directory_path() / "stagebox-bench-XXXXXX";
  std::vector<char> name(dir.c_str(), dir.c_str() + dir.size() + 1);
  if (::mkdtemp(name.data()) == nullptr) return state.SkipWithError("no temporary directory");
  const base::UniqueFd fd(::open(name.data(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (auto _ : state) {
    auto writer = logs::LogWriter::create(fd.get(), "stage", name.data());
    if (!writer.ok()) return state.SkipWithError(writer.error().message.c_str());
    for_each_piece(text, [&](std::span<const std::byte> piece) {
      (void)writer->append(logs::Stream::kStdout, piece);
    });
    (void)writer->end();
    std::filesystem::remove(writer->path());
  }
  std::filesystem::remove_all(name.data());
  count(state, text);
}

BENCHMARK_CAPTURE(mask, lines_one_secret, build_output, 1);
BENCHMARK_CAPTURE(mask, lines_ten_secrets, build_output, 10);
BENCHMARK_CAPTURE(mask, same_line_one_secret, same_line, 1);
BENCHMARK_CAPTURE(mask, noise_one_secret, noise, 1);
BENCHMARK_CAPTURE(watch, lines, build_output);
BENCHMARK_CAPTURE(watch, same_line, same_line);
BENCHMARK_CAPTURE(frame, lines, build_output);
BENCHMARK_CAPTURE(frame, same_line, same_line);
BENCHMARK_CAPTURE(frame, noise, noise);
BENCHMARK_CAPTURE(write, lines, build_output)->UseRealTime();
BENCHMARK_CAPTURE(write, same_line, same_line)->UseRealTime();

}  // namespace
}  // namespace stagebox::bench
