// HtmlReport: a run as one HTML file for people, written when the run is over. docs/report.md says
// what it shows. What it collects meanwhile is bounded by the stages of the run; logs are read at
// the end, as much of them as there is room for.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "runtime/report/run_story.h"
#include "runtime/run/run_listener.h"

namespace stagebox::report {

inline constexpr char kReportFile[] = "index.html";

/// How much of the logs is in the page: together, of a stage that failed, of any other; and of
/// summaries.
struct LogRoom {
  std::size_t total = std::size_t{8} << 20;
  std::size_t failed = std::size_t{512} << 10;
  std::size_t other = std::size_t{128} << 10;
  std::size_t summaries = std::size_t{4} << 20;
};

struct ReportClock {
  std::function<std::chrono::steady_clock::time_point()> steady = std::chrono::steady_clock::now;
  std::function<std::chrono::system_clock::time_point()> wall = std::chrono::system_clock::now;
};

class HtmlReport final : public run::RunListener {
 public:
  /// Why a stage of a run that is over ran, in words; empty when nobody knows.
  using Explain = std::function<std::string(const std::string& run, const std::string& stage)>;
  /// What a stage said of itself.
  using LoadSummary =
      std::function<base::Result<markdown::Document>(const store::SummaryRef& summary)>;
  /// What is asked for when the run is over. Each may be empty.
  struct Sources {
    Explain explain = {};
    LoadSummary load_summary = {};
  };

  /// Puts a file into a directory, in the place of an earlier one, at once as a whole.
  using Replace = std::function<base::Result<void>(int dir_fd, const std::string& name,
                                                   std::string_view content)>;

  /// Makes the directory, or fails: before anything runs it can still be said. The plan outlives
  /// the report.
  static base::Result<HtmlReport> open(const std::string& directory, const scheduler::Plan& plan,
                                       RunFacts facts, Sources sources, Replace replace,
                                       LogRoom room = {}, ReportClock clock = {});

  void on_run_started(const std::string& run_id) override;
  void on_stage(const scheduler::PlannedStage& planned, const scheduler::StageOutcome& outcome,
                const run::StageRecord* record, std::chrono::milliseconds elapsed) override;
  /// Writes DIRECTORY/index.html.
  void on_run_finished(const scheduler::RunSummary& summary,
                       std::chrono::milliseconds elapsed) override;

  /// What went wrong with that.
  base::Result<void> finish();

 private:
  HtmlReport(base::UniqueFd directory, std::string path, const scheduler::Plan& plan,
             RunFacts facts, Sources sources, Replace replace, LogRoom room, ReportClock clock);

  [[nodiscard]] std::chrono::milliseconds now() const;
  void begin_attempt(StageStory& story, const scheduler::StageOutcome& outcome);
  void end_attempt(StageStory& story, const scheduler::StageOutcome& outcome,
                   const run::StageRecord* record);
  std::size_t take_slot();
  void explain_stages();
  void read_summaries();
  void read_logs();
  void read_services(std::size_t index, std::size_t room, std::size_t& left);

  base::UniqueFd directory_;
  std::string path_;
  const scheduler::Plan* plan_;
  Sources sources_;
  Replace replace_;
  LogRoom room_;
  ReportClock clock_;
  std::chrono::steady_clock::time_point origin_;
  RunStory story_;
  std::vector<bool> slots_;    ///< Which are taken.
  std::vector<bool> running_;  ///< By stage: its last attempt has not ended.
  base::Result<void> failure_;
};

}  // namespace stagebox::report
