// Which of the rows that say what a stage's reports said counts: tests and coverage alike.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/base/printable.h"
#include "runtime/base/result.h"
#include "runtime/store/runs/run_types.h"

namespace stagebox::run {

/// Of what the stage was in the end: its last attempt, or the run that it was taken from; nullptr
/// when there is none. Points into `rows`, which are of one run, in the order of attempts.
template <typename Ref>
const store::ReportRow<Ref>* last_report(const std::vector<store::ReportRow<Ref>>& rows,
                                         const store::StageRow& stage) {
  // Of what was taken from the cache in the end nothing ran.
  const bool cached = stage.state == store::StageState::kCached;
  const store::ReportRow<Ref>* last = nullptr;
  for (const store::ReportRow<Ref>& row : rows) {
    if (row.stage == stage.stage && (!cached || row.attempt == 0)) last = &row;
  }
  return last;
}

/// The attempt of that; 0: taken from the cache, or from the run whose stages these are.
template <typename Ref>
std::int64_t attempt_of(const store::RunDetails& details, const store::ReportRow<Ref>& row) {
  return details.run.stages_of.empty() ? row.attempt : 0;
}

/// In the order of the stages. `stage`: only this one, kNotFound when it is not in the run or has
/// none, which is said as "has no `noun`: it declares no `key`"; empty: all that have one.
template <typename Ref>
base::Result<std::vector<const store::ReportRow<Ref>*>> last_reports(
    const store::RunDetails& details, const std::vector<store::ReportRow<Ref>>& rows,
    const std::string& stage, const std::string& noun, const std::string& key) {
  std::vector<const store::ReportRow<Ref>*> found;
  bool is_there = stage.empty();
  for (const store::StageRow& row : details.stages) {
    if (!stage.empty() && row.stage != stage) continue;
    is_there = true;
    if (const auto* last = last_report(rows, row)) found.push_back(last);
  }
  if (!is_there)
    return base::not_found("run " + details.run.id + " has no stage " + base::printable(stage));
  if (!stage.empty() && found.empty())
    return base::not_found("the stage " + base::printable(stage) + " of run " + details.run.id +
                           " has no " + noun + ": it declares no `" + key + "`, or did not run");
  return found;
}

}  // namespace stagebox::run
