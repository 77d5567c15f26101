#include "runtime/run/stage/missing_stage.h"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

#include "runtime/base/printable.h"
#include "scheduler/diagnostics.h"
#include "scheduler/nearest_name.h"

namespace stagebox::run {
namespace {

// "`a`, `b` and 7 more"
std::string some_of(const std::vector<std::string_view>& names) {
  constexpr std::size_t kListed = 8;
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < kListed; ++i)
    text += (i == 0 ? "" : ", ") + scheduler::backquoted(names[i]);
  return names.size() <= kListed
             ? text
             : text + " and " + std::to_string(names.size() - kListed) + " more";
}

// The same for the same stages: the rows stand in the order in which the stages began.
std::string hint(const store::RunDetails& details, const std::string& name) {
  std::vector<std::string_view> names;
  std::vector<std::string_view> variants;
  for (const store::StageRow& row : details.stages) {
    names.emplace_back(row.stage);
    if (row.stage.starts_with(name + "[")) variants.emplace_back(row.stage);
  }
  std::ranges::sort(names);
  std::ranges::sort(variants);
  if (!variants.empty()) return "there are " + some_of(variants);
  if (const auto nearest = scheduler::nearest_name(name, names))
    return "did you mean " + scheduler::backquoted(*nearest) + "?";
  return "`stagebox show " + details.run.id + "` lists them";
}

}  // namespace

base::Error no_stage(const store::RunDetails& details, const std::string& name) {
  return base::not_found("run " + details.run.id + " has no stage " + base::printable(name) + "; " +
                         hint(details, name));
}

}  // namespace stagebox::run
