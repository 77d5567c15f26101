#include "runtime/cli/run_reports.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/files.h"
#include "runtime/base/printable.h"
#include "runtime/cli/console.h"
#include "runtime/cli/live_console.h"
#include "runtime/report/trace.h"
#include "runtime/run/engine/unfinished_artifact.h"

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

// TERM of a terminal that has no cursor to move, or of which nobody said what it is.
base::Error why_not_live() {
  if (::isatty(STDOUT_FILENO) != 1)
    return base::invalid("--output tui needs a terminal as standard output");
  const char* term = std::getenv("TERM");
  const std::string found = term == nullptr ? "not set" : base::printable(term);
  return base::invalid("--output tui needs a terminal whose cursor can be moved, and TERM is " +
                       found + "; set it to what this terminal is, such as xterm-256color");
}

Result<std::unique_ptr<run::RunListener>> console_for(Display display, const scheduler::Plan& plan,
                                                      unsigned jobs,
                                                      const scheduler::CancelToken& cancel) {
  const bool live = can_be_live(STDOUT_FILENO);
  if (display == Display::kLive && !live) return why_not_live();
  if (display == Display::kPlain || !live) return make_console(std::cout, plan, colour_of_stdout());
  return make_live_console(STDOUT_FILENO, plan, jobs, colour_of_stdout(), cancel);
}

// What writes to `fd`, for people.
struct Written {
  std::string what;
  int fd;
};

// Two that write to one file without knowing of each other make a file of which nobody can read
// anything. What a terminal or /dev/null gets is not kept; and of a pipe that is the standard
// output whoever asks for it may know how to tell lines apart.
Result<void> check_apart(const Written& first, const Written& second) {
  const struct stat one = TRY(base::stat_fd(first.fd));
  const struct stat other = TRY(base::stat_fd(second.fd));
  if (one.st_dev != other.st_dev || one.st_ino != other.st_ino) return {};
  const bool keeps = S_ISREG(one.st_mode) || (S_ISFIFO(one.st_mode) && first.fd != STDOUT_FILENO);
  if (!keeps) return {};
  return base::invalid(first.what + " and " + second.what + " are one file");
}

// Elsewhere "-" is the standard output, which has the console's lines or the events.
Result<void> check_not_stdout(const ReportOptions& options) {
  const std::string in_use = " -: the standard output is in use; ";
  if (options.events == "-")
    return base::invalid("--events" + in_use +
                         "--output json writes events there, and ./- is a file \"-\"");
  for (const auto& [option, path] :
       {std::pair("--trace", &options.trace), std::pair("--report", &options.page)}) {
    if (*path == "-")
      return base::invalid(option + in_use + "name another file, or write ./- for \"-\"");
  }
  return {};
}

Result<void> check_apart(const std::vector<Written>& all) {
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = i + 1; j < all.size(); ++j) TRY(check_apart(all[i], all[j]));
  }
  return {};
}

}  // namespace

Result<RunReports> RunReports::open(const ReportOptions& options, OutputFormat format,
                                    const store::Home& home, const scheduler::Plan& plan,
                                    unsigned jobs, const scheduler::CancelToken& cancel,
                                    const report::RunFacts& facts,
                                    const report::HtmlReport::Sources& sources) {
  TRY(check_not_stdout(options));
  RunReports reports;
  std::vector<Written> written{{"the standard output", STDOUT_FILENO}};
  if (format == OutputFormat::kJson) {
    auto& sink = reports.keep(report::sink_to(std::cout));
    reports.add(std::make_unique<report::EventStream>(sink, facts));
  } else {
    reports.add(TRY(console_for(options.display, plan, jobs, cancel)));
  }
  if (!options.events.empty()) {
    auto& sink = reports.keep(TRY(report::sink_to_file(options.events, "events")));
    written.push_back({"--events " + base::printable(options.events), sink.fd()});
    reports.add(std::make_unique<report::EventStream>(sink, facts));
  }
  if (!options.trace.empty()) {
    auto& sink = reports.keep(TRY(report::sink_to_file(options.trace, "trace")));
    written.push_back({"--trace " + base::printable(options.trace), sink.fd()});
    reports.add(std::make_unique<report::Trace>(sink, plan));
  }
  TRY(check_apart(written));
  if (!options.page.empty()) {
    const auto replace = [&home](int dir_fd, const std::string& name, std::string_view content) {
      return run::replace_noted_file(home, dir_fd, name, content, 0644);
    };
    auto page = std::make_unique<report::HtmlReport>(
        TRY(report::HtmlReport::open(options.page, plan, facts, sources, replace)));
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
