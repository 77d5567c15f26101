#include "runtime/store/runs/duration_queries.h"

#include <algorithm>
#include <cstdint>
#include <sstream>
#include <vector>

namespace stagebox::store {
namespace {

using base::Result;

// The column: milliseconds, the newest first, with spaces between. A damaged one is a shorter one:
// nothing but the order of stages depends on it.
std::vector<std::int64_t> parse_durations(const std::string& column) {
  std::vector<std::int64_t> durations;
  std::istringstream stream(column);
  for (std::int64_t duration = 0; stream >> duration;) durations.push_back(duration);
  return durations;
}

std::string durations_text(const std::vector<std::int64_t>& durations) {
  std::string text;
  for (const std::int64_t duration : durations)
    text.append(text.empty() ? "" : " ").append(std::to_string(duration));
  return text;
}

}  // namespace

Result<void> add_duration(Database& database, const std::string& pipeline, const std::string& stage,
                          std::chrono::milliseconds took) {
  Statement select =
      TRY(database.prepare("SELECT recent FROM stage_durations WHERE pipeline = ? AND stage = ?"));
  const bool known = TRY(select.bind(pipeline).bind(stage).step());
  std::vector<std::int64_t> durations;
  if (known) durations = parse_durations(select.text(0));
  durations.insert(durations.begin(), took.count());
  durations.resize(std::min(durations.size(), kKeptDurations));
  Statement upsert =
      TRY(database.prepare("INSERT OR REPLACE INTO stage_durations(pipeline, stage, recent) "
                           "VALUES(?,?,?)"));
  return upsert.bind(pipeline).bind(stage).bind(durations_text(durations)).run();
}

Result<std::map<std::string, std::chrono::milliseconds>> median_durations(
    Database& database, const std::string& pipeline) {
  Statement statement =
      TRY(database.prepare("SELECT stage, recent FROM stage_durations WHERE pipeline = ?"));
  statement.bind(pipeline);
  std::map<std::string, std::chrono::milliseconds> medians;
  for (;;) {
    const bool more = TRY(statement.step());
    if (!more) return medians;
    std::vector<std::int64_t> durations = parse_durations(statement.text(1));
    if (durations.empty()) continue;
    const auto middle = durations.begin() + static_cast<std::ptrdiff_t>(durations.size() / 2);
    std::ranges::nth_element(durations, middle);
    medians.emplace(statement.text(0), std::chrono::milliseconds(*middle));
  }
}

}  // namespace stagebox::store
