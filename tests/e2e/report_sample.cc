// Writes the report of a run that never was: report_sample DIR STAGES. It has as many stages as
// asked for, in layers, in every state, with logs and with names that try to be markup. For what is
// looked at in a browser; real runs of that size take longer than all that is tested of them.
#include <fcntl.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <span>
#include <string>

#include "runtime/base/files.h"
#include "runtime/logs/log_writer.h"
#include "runtime/markdown/markdown_parser.h"
#include "runtime/report/html_report.h"
#include "scheduler/plan.h"

namespace stagebox {
namespace {

using scheduler::StageState;
using std::chrono::milliseconds;

constexpr std::size_t kLayer = 40;
constexpr std::size_t kSlots = 8;
constexpr std::size_t kHurting = 3;  ///< The stage with a name that tries to be markup.
constexpr std::size_t kRetried = 4;
constexpr char kHostile[] =
    // NOLINTNEXTLINE(misc-misleading-bidirectional): a name can have it, and must not mislead.
    "</script><script>window.hurt=1</script><img src=x onerror='window.hurt=2'>\xe2\x80\xae";

scheduler::Pipeline sample_pipeline(std::size_t count) {
  scheduler::Pipeline pipeline;
  const std::size_t layer = count < 2 * kLayer ? 3 : kLayer;
  for (std::size_t i = 0; i < count; ++i) {
    scheduler::Stage stage;
    stage.id = i == kHurting ? kHostile
                             : "stage-" + std::to_string(i) + (i % 7 == 0 ? "[a-long-value]" : "");
    stage.image = "base";
    stage.run =
        scheduler::Script{"make " + std::to_string(i) + "\n" + (i == kHurting ? kHostile : "true")};
    if (i >= layer) {
      stage.needs.push_back({pipeline.stages[i - layer].id, {}});
      if (i % 3 == 0)
        stage.needs.push_back({pipeline.stages[i - layer + (i % layer == 0 ? 1 : 0)].id, {}});
    }
    pipeline.stages.push_back(std::move(stage));
  }
  return pipeline;
}

StageState state_of(std::size_t i) {
  if (i == kHurting || i % 211 == 4) return StageState::kFailed;
  if (i % 13 == 5) return StageState::kCached;
  if (i % 17 == 6) return StageState::kSkipped;
  if (i % 97 == 7) return StageState::kAllowedFailure;
  if (i % 301 == 8) return StageState::kError;
  if (i % 401 == 9) return StageState::kCancelled;
  return StageState::kSucceeded;
}

void append(logs::LogWriter& log, logs::Stream stream, const std::string& text) {
  (void)log.append(stream, std::as_bytes(std::span(text)));
}

std::string write_log(int dir_fd, const std::string& dir, std::size_t i) {
  auto log = logs::LogWriter::create(dir_fd, "log" + std::to_string(i), dir).value();
  append(log, logs::Stream::kStdout,
         "\x1b[1mbegin\x1b[0m of " + std::to_string(i) + "\n::group::prepare\n");
  for (int line = 0; line < 5; ++line)
    append(log, logs::Stream::kStdout, "  preparing " + std::to_string(line) + "\n");
  append(log, logs::Stream::kStdout,
         "::endgroup::\n 10%\r 50%\r100% loaded\n\x1b[32mgreen\x1b[0m \x1b[31mred\x1b[0m\n");
  if (i == kHurting) {
    append(log, logs::Stream::kStdout, std::string(kHostile) + "\x1b]0;title\x07 bytes \xff\xfe\n");
    for (int line = 0; line < 3000; ++line)
      append(log, logs::Stream::kStdout,
             "unit " + std::to_string(line) + (line == 1500 ? " needle" : "") + " compiled\n");
    append(log, logs::Stream::kStdout, std::string(300, 'x') + "\n");
    append(log, logs::Stream::kStderr, "::error file=a.c,line=7::undeclared identifier\n");
  }
  append(log, logs::Stream::kStderr, "end of " + std::to_string(i) + "\n");
  (void)log.end();
  return log.path();
}

run::ComparedFile measured(std::string path, std::uint64_t covered,
                           std::optional<std::uint64_t> before) {
  run::ComparedFile file{std::move(path), {.lines = 1'000, .lines_covered = covered}};
  if (before) file.before = {.lines = 1'000, .lines_covered = *before};
  return file;
}

run::StageCoverage sample_coverage() {
  run::StageCoverage coverage;
  coverage.report.lines = 4'000;
  coverage.report.lines_covered = 1'999;
  coverage.report.branches = 10;
  coverage.report.branches_covered = 3;
  coverage.before = {"0123456789ab", coverage.report};
  coverage.before->coverage.lines_covered = 2'040;
  coverage.files = {measured(kHostile, 999, 1'000), measured("src/better.c", 1'000, 249),
                    measured("src/new.c", 0, std::nullopt),
                    measured("src/" + std::string(400, 'x') + ".c", 0, 0)};
  coverage.all_files = 1'234;
  coverage.problems = {std::string("a report is not what it says: ") + kHostile};
  return coverage;
}

constexpr const char* kSummary = R"md(# Results

| suite | failed |
|---|--:|
| `net` | **2** of 40 |

- [x] built
- [ ] [published](https://a.example/x?y=1&z) <b onclick="alert(1)">now</b>

<details><summary>All of it</summary>

```
<script>document.title = "owned"</script>
```

</details>

[bad](javascript:alert(1)) ![pixel](https://a.example/pixel.png) <img src=x onerror="document.title = 'owned'">
)md";

run::StageAnnotations sample_annotations() {
  using Level = logs::Annotation::Level;
  run::StageAnnotations told;
  for (const Level level : {Level::kError, Level::kWarning, Level::kNotice}) {
    logs::Annotation one;
    one.level = level;
    one.file = std::string("src/") + kHostile;
    one.line = 7;
    one.message = std::string("said ") + kHostile;
    told.list.push_back(std::move(one));
  }
  told.list.back().file = "src/" + std::string(300, 'f') + ".c";
  told.more = 17;
  return told;
}

run::StageTests sample_tests() {
  run::StageTests tests{.report = {.blob = {}, .passed = 7, .failed = 4, .skipped = 0}};
  test_reports::TestCase test;
  test.suite = "net";
  test.name = std::string(400, 't');
  test.message = "refused";
  tests.failed.push_back(test);
  test.name = test.message = kHostile;
  tests.failed.push_back(test);
  tests.quarantined = tests.failed.size();
  tests.quarantined_cases = tests.failed;
  return tests;
}

run::StageRecord record_of(const scheduler::PlannedStage& planned, StageState state,
                           std::string log) {
  run::StageRecord record;
  record.stage = planned.stage.id;
  record.key = base::Sha256::of(planned.stage.id);
  record.log_path = std::move(log);
  record.verdict = run::CacheVerdict::kNoRecord;
  if (state == StageState::kCached) {
    record.verdict = run::CacheVerdict::kHit;
    record.cached_from = "0123456789ab";
  } else {
    record.report =
        sandbox::ExitReport{sandbox::Exited{scheduler::is_failure(state) ? 1 : 0, ""}, {}};
    record.report->usage.wall = milliseconds(1234);
    record.report->usage.user_cpu = milliseconds(900);
    record.report->usage.peak_memory = std::uint64_t{150} << 20;
    record.report->usage.processes = 7;
  }
  if (planned.stage.id == kHostile) {
    record.coverage = sample_coverage();
    record.annotations = sample_annotations();
    record.tests = sample_tests();
    record.summary = run::StageSummary{};
  }
  if (!scheduler::has_outputs(state)) return record;
  record.outputs.push_back({"out", base::RelativePath::parse("build/out").value(),
                            store::OutputKind::kFile, record.key, 4096, store::Executable::kNo,
                            4096});
  return record;
}

/// Tells a report of the run, with time as the sample wants it.
class SampleRun {
 public:
  SampleRun(std::string dir, const scheduler::Plan& plan) : log_dir_(std::move(dir)), plan_(plan) {
    summary_.result = scheduler::RunResult::kFailed;
    summary_.stages.resize(plan.size());
  }

  report::ReportClock clock() {
    return {[this] { return now_; }, std::chrono::system_clock::now};
  }

  bool tell(report::HtmlReport& report) {
    const auto opened = base::open_path(log_dir_, O_RDONLY | O_DIRECTORY);
    if (!opened.ok()) return false;
    report.on_run_started("ab0123456789");
    for (std::size_t first = 0; first < plan_.size(); first += kSlots) {
      const std::size_t last = std::min(plan_.size(), first + kSlots);
      for (std::size_t i = first; i < last; ++i) begin(report, i, 1);
      for (std::size_t i = first; i < last; ++i) end(report, i, opened->get());
    }
    report.on_run_finished(summary_,
                           std::chrono::duration_cast<milliseconds>(now_.time_since_epoch()));
    return true;
  }

 private:
  void begin(report::HtmlReport& report, std::size_t i, unsigned attempt) {
    if (runs(state_of(i)))
      report.on_stage(plan_.stages()[i], {StageState::kRunning, "", {}, 0, attempt}, nullptr, {});
  }

  void end(report::HtmlReport& report, std::size_t i, int log_fd) {
    const scheduler::PlannedStage& planned = plan_.stages()[i];
    const StageState state = state_of(i);
    summary_.stages[i].state = state;
    now_ += milliseconds(130 + i * 37 % 400);
    const bool logged = runs(state) || state == StageState::kCached;
    const auto record = record_of(planned, state, logged ? write_log(log_fd, log_dir_, i) : "");
    if (i == kRetried) {
      report.on_stage(planned, {StageState::kRetrying, "exited with status 1", {}, 0, 1}, &record,
                      {});
      begin(report, i, 2);
      now_ += milliseconds(700);
    }
    std::string detail = state == StageState::kSkipped ? "stage-1 failed" : "";
    if (i == kHurting) detail = kHostile;
    report.on_stage(planned, {state, detail, {}, 0, 1}, logged ? &record : nullptr, {});
  }

  static bool runs(StageState state) {
    return state != StageState::kSkipped && state != StageState::kCached &&
           state != StageState::kCancelled;
  }

  std::string log_dir_;
  const scheduler::Plan& plan_;
  std::chrono::steady_clock::time_point now_{};
  scheduler::RunSummary summary_;
};

bool write_sample(const std::string& dir, std::size_t count) {
  const auto plan = scheduler::make_plan(sample_pipeline(count));
  if (!plan.ok() || !base::make_dirs(dir + "/logs", 0755).ok()) return false;
  SampleRun run(dir + "/logs", *plan);
  const auto explain = [](const std::string& /*run*/, const std::string& stage) {
    return stage + " ran because the input src/a.c changed since run 0123456789ab";
  };
  const auto load_summary =
      [](const store::SummaryRef& /*summary*/) -> base::Result<markdown::Document> {
    return markdown::read_markdown(std::string(kSummary) + "\n" + kHostile);
  };
  auto report = report::HtmlReport::open(
      dir, *plan, {std::string("sample ") + kHostile, "/src/stagebox.yaml", {}, count, false},
      {explain, load_summary},
      [](int dir_fd, const std::string& name, std::string_view content) {
        return base::replace_file_at(dir_fd, name, content, 0644);
      },
      {}, run.clock());
  return report.ok() && run.tell(*report) && report->finish().ok();
}

}  // namespace
}  // namespace stagebox

int main(int argc, char** argv) {
  if (argc != 3) return EXIT_FAILURE;
  const std::size_t count = std::strtoul(argv[2], nullptr, 10);
  return stagebox::write_sample(argv[1], count) ? EXIT_SUCCESS : EXIT_FAILURE;
}
