#include "runtime/cli/summary_lines.h"

#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <string_view>

#include "runtime/base/printable.h"
#include "runtime/base/units.h"
#include "runtime/cli/json_text.h"
#include "runtime/logs/shown_text.h"
#include "runtime/run/findings/stage_summary.h"
#include "scheduler/diagnostics.h"

namespace stagebox::cli {
namespace {

using base::Result;
using nlohmann::json;

base::Error no_summaries(const store::RunDetails& details, const std::string& stage) {
  const std::string why = ": none is declared as `summary`, or none was written";
  if (stage.empty()) return base::not_found("run " + details.run.id + " has no summaries" + why);
  return base::not_found("the stage " + base::printable(stage) + " of run " + details.run.id +
                         " has no summary" + why);
}

json summary_json(const store::SummaryRow& row, const markdown::Document& document) {
  return {{"stage", row.stage},
          {"attempt", row.attempt},
          {"lines", row.report.lines},
          {"cut", document.is_cut},
          {"markdown", document.text}};
}

// For a terminal as lines of a log are; for a file or a pipe the very text.
std::string as_shown(const std::string& text) {
  if (::isatty(STDOUT_FILENO) != 1) return text;
  logs::ShownText line(logs::Showing::kText);
  std::string all;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    line.append(all, std::string_view(text).substr(at, end - at));
    if (end < text.size()) all += '\n';
    at = end + 1;
  }
  return all;
}

// One for each stage, so that they can be told apart where they are put together.
void print_text(const std::string& heading, const std::string& text) {
  if (!heading.empty()) std::cout << "# " << scheduler::escape_controls(heading) << "\n\n";
  std::cout << as_shown(text);
  if (!text.ends_with('\n')) std::cout << '\n';
  if (!heading.empty()) std::cout << '\n';
}

}  // namespace

std::string summary_hint(const std::vector<std::string>& stages, const std::string& run_id) {
  constexpr std::size_t kNamed = 5;
  if (stages.empty()) return {};
  std::string names;
  if (stages.size() <= kNamed) {
    for (const std::string& stage : stages)
      names += (names.empty() ? "" : ", ") + scheduler::escape_controls(stage);
  } else {
    names = base::counted(stages.size(), "stage");
  }
  const std::string noun = stages.size() == 1 ? "summary" : "summaries";
  return "  " + noun + " of " + names + ": stagebox show " + run_id + " --summary\n";
}

Result<void> print_summaries(const store::RunDetails& details, const ShowOptions& options,
                             const store::ContentStore& content) {
  json documents = json::array();
  bool has_any = false;
  for (const store::StageRow& stage : details.stages) {
    const auto* row = run::last_summary(details, stage);
    if (row == nullptr) continue;
    has_any = true;
    const markdown::Document document = TRY(run::load_summary(row->report, content));
    if (options.format == OutputFormat::kJson)
      documents.push_back(summary_json(*row, document));
    else
      print_text(options.stage.empty() ? stage.stage : "", document.text);
  }
  if (!has_any) return no_summaries(details, options.stage);
  if (options.format == OutputFormat::kJson) std::cout << pretty(documents);
  return {};
}

}  // namespace stagebox::cli
