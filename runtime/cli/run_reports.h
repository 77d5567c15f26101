// RunReports: everybody who is told of a run, as the command line asks: the console or events on
// standard output, events, a trace and a report in files.
#pragma once

#include <memory>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/cli/command_line/options.h"
#include "runtime/report/event_stream.h"
#include "runtime/report/html_report.h"
#include "runtime/report/listener_group.h"
#include "runtime/report/text_sink.h"

namespace stagebox::cli {

class RunReports {
 public:
  /// Opens the files. `home`, the plan, and what `sources` refer to, outlive it. `jobs`: how many
  /// stages run at the same time. kInvalid when a live display was asked for and standard output is
  /// no terminal, and when two are to be written to one file.
  static base::Result<RunReports> open(const ReportOptions& options, OutputFormat format,
                                       const store::Home& home, const scheduler::Plan& plan,
                                       unsigned jobs, const scheduler::CancelToken& cancel,
                                       const report::RunFacts& facts,
                                       const report::HtmlReport::Sources& sources);

  run::RunListener& listener() { return *group_; }
  /// What could not be written, after the end of the run.
  base::Result<void> finish();

 private:
  RunReports() = default;
  void add(std::unique_ptr<run::RunListener> listener);
  report::TextSink& keep(std::unique_ptr<report::TextSink> sink);

  std::unique_ptr<report::ListenerGroup> group_ = std::make_unique<report::ListenerGroup>();
  std::vector<std::unique_ptr<report::TextSink>> sinks_;
  std::vector<std::unique_ptr<run::RunListener>> listeners_;
  report::HtmlReport* page_ = nullptr;  ///< Among the listeners.
};

}  // namespace stagebox::cli
