#include "runtime/cli/run_reports.h"

#include <unistd.h>

#include <iostream>
#include <utility>

#include "runtime/cli/console.h"
#include "runtime/cli/live_console.h"
#include "runtime/report/trace.h"

namespace stagebox::cli {

using base::Result;

void RunReports::add(std::unique_ptr<run::RunListener> listener) {
  group_->add(*listener);
  listeners_.push_back(std::move(listener));
}

report::TextSink& RunReports::keep(std::unique_ptr<report::TextSink> sink) {
  return *sinks_.emplace_back(std::move(sink));
}

namespace {

Result<std::unique_ptr<run::RunListener>> console_for(Display display, const scheduler::Plan& plan,
                                                      unsigned jobs) {
  const bool live = can_be_live(STDOUT_FILENO);
  if (display == Display::kLive && !live)
    return base::invalid("--output tui needs a terminal as standard output");
  if (display == Display::kPlain || !live) return make_console(std::cout, plan, colour_of_stdout());
  return make_live_console(STDOUT_FILENO, plan, jobs, colour_of_stdout());
}

}  // namespace

Result<RunReports> RunReports::open(const ReportOptions& options, OutputFormat format,
                                    const scheduler::Plan& plan, unsigned jobs,
                                    const report::RunFacts& facts,
                                    const report::HtmlReport::Explain& explain) {
  RunReports reports;
  if (format == OutputFormat::kJson) {
    auto& sink = reports.keep(report::sink_to(std::cout));
    reports.add(std::make_unique<report::EventStream>(sink, facts));
  } else {
    reports.add(TRY(console_for(options.display, plan, jobs)));
  }
  if (!options.events.empty()) {
    auto& sink = reports.keep(TRY(report::sink_to_file(options.events, "events")));
    reports.add(std::make_unique<report::EventStream>(sink, facts));
  }
  if (!options.trace.empty()) {
    auto& sink = reports.keep(TRY(report::sink_to_file(options.trace, "trace")));
    reports.add(std::make_unique<report::Trace>(sink, plan));
  }
  if (!options.page.empty()) {
    auto page = std::make_unique<report::HtmlReport>(
        TRY(report::HtmlReport::open(options.page, plan, facts, explain)));
    reports.page_ = page.get();
    reports.add(std::move(page));
  }
  return reports;
}

Result<void> RunReports::finish() {
  Result<void> first;
  for (const auto& sink : sinks_) {
    auto finished = sink->finish();
    if (first.ok()) first = std::move(finished);
  }
  if (page_ != nullptr) {
    auto written = page_->finish();
    if (first.ok()) first = std::move(written);
  }
  return first;
}

}  // namespace stagebox::cli
