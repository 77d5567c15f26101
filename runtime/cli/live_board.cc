#include "runtime/cli/live_board.h"

#include <algorithm>
#include <optional>
#include <ranges>
#include <utility>

#include "runtime/base/units.h"
#include "runtime/base/utf8.h"
#include "scheduler/diagnostics.h"

namespace stagebox::cli {
namespace {

using scheduler::StageState;
using std::chrono::milliseconds;

constexpr char kEllipsis[] = "\xe2\x80\xa6";

std::string painted(const std::string& text, const char* colour, Colour wanted) {
  return wanted == Colour::kNo ? text : std::string("\x1b[") + colour + "m" + text + "\x1b[0m";
}

/// To whole seconds: tenths that run would only be restless.
std::string shown(milliseconds time) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time).count();
  if (seconds < 60) return std::to_string(seconds) + "s";
  return base::format_duration(std::chrono::seconds(seconds));
}

milliseconds since(LiveBoard::Time begin, LiveBoard::Time now) {
  return std::chrono::duration_cast<milliseconds>(now - begin);
}

}  // namespace

std::string fit(const std::string& text, std::size_t columns) {
  std::size_t used = 0;
  std::size_t cut = 0;  // Where an ellipsis would still fit.
  for (std::size_t at = 0; at < text.size(); ++used) {
    if (used == columns) return columns == 0 ? "" : text.substr(0, cut) + kEllipsis;
    const auto character = base::decode_utf8(std::string_view(text).substr(at));
    if (used + 1 < columns) cut = at + std::max<std::size_t>(character.length, 1);
    at += std::max<std::size_t>(character.length, 1);
  }
  return text;
}

LiveBoard::LiveBoard(const scheduler::Plan& plan, unsigned jobs, Time start)
    : plan_(plan), jobs_(std::max(jobs, 1U)), start_(start), ended_(plan.size()) {}

void LiveBoard::on_stage(const scheduler::PlannedStage& planned,
                         const scheduler::StageOutcome& outcome, Time now) {
  const std::size_t index = planned.index;
  if (outcome.state == StageState::kRunning || outcome.state == StageState::kRetrying) {
    std::string text = scheduler::escape_controls(planned.stage.id);
    if (outcome.attempt > 1) text += " (attempt " + std::to_string(outcome.attempt) + ")";
    active_[index] = {std::move(text), now, outcome.state == StageState::kRetrying};
    return;
  }
  if (!scheduler::is_final(outcome.state)) return;
  active_.erase(index);
  if (ended_[index]) return;
  ended_[index] = true;
  ++finished_;
  if (outcome.state == StageState::kCached) ++cached_;
  if (outcome.state == StageState::kFailed || outcome.state == StageState::kError) ++failed_;
}

std::string LiveBoard::active_line(std::size_t index, const Active& active, Time now) const {
  std::string line = "  " + active.text + "  ";
  if (active.waits) return line + "waits for its next attempt";
  line += shown(since(active.since, now));
  if (index < estimates_.size() && estimates_[index])
    line += " of about " + shown(*estimates_[index]);
  return line;
}

// What is left at the least: the longest way to the end, or all work shared by the slots. Nothing
// when it cannot be said.
std::string LiveBoard::remaining(Time now) const {
  if (estimates_.size() != plan_.size()) return "";
  milliseconds work{0};
  milliseconds longest{0};
  std::vector<milliseconds> to_end(plan_.size());
  for (const std::size_t index : std::views::reverse(plan_.order())) {
    if (ended_[index]) continue;
    if (!estimates_[index]) return "";
    const auto active = active_.find(index);
    const milliseconds spent =
        active == active_.end() ? milliseconds(0) : since(active->second.since, now);
    const milliseconds left = std::max(*estimates_[index] - spent, milliseconds(0));
    milliseconds after{0};
    for (const std::size_t edge : plan_.stages()[index].edges_out)
      after = std::max(after, to_end[plan_.edges()[edge].to]);
    to_end[index] = left + after;
    work += left;
    longest = std::max(longest, to_end[index]);
  }
  const milliseconds left = std::max(longest, work / jobs_);
  return left < std::chrono::seconds(1) ? "" : ", about " + shown(left) + " left";
}

std::string LiveBoard::totals(Time now, Colour colour) const {
  std::string line = std::to_string(finished_) + "/" + std::to_string(plan_.size()) + " done";
  if (cached_ > 0) line += ", " + std::to_string(cached_) + " cached";
  if (failed_ > 0) line += ", " + painted(std::to_string(failed_) + " failed", "1;31", colour);
  line += ", " + std::to_string(active_.size()) + " running, ";
  return line + shown(since(start_, now)) + remaining(now);
}

std::vector<std::string> LiveBoard::lines(Time now, BoardSize size, Colour colour) const {
  std::vector<std::pair<Time, std::size_t>> oldest_first;
  for (const auto& [index, active] : active_) oldest_first.emplace_back(active.since, index);
  std::ranges::sort(oldest_first);
  const std::size_t room = std::max<std::size_t>(size.rows / 2, 2) - 1;
  const bool all_fit = oldest_first.size() <= room;
  const std::size_t count = all_fit ? oldest_first.size() : room - 1;
  std::vector<std::string> lines;
  for (const auto& [begin, index] : std::span(oldest_first).first(count))
    lines.push_back(fit(active_line(index, active_.at(index), now), size.columns));
  if (!all_fit) {
    const std::string more = "  and " + std::to_string(oldest_first.size() - count) + " more";
    lines.push_back(fit(more, size.columns));
  }
  // Colours would be counted as columns: where there is no room for the line there are none.
  const std::string plain = totals(now, Colour::kNo);
  const bool fits = fit(plain, size.columns) == plain;
  lines.push_back(fits ? totals(now, colour) : fit(plain, size.columns));
  return lines;
}

}  // namespace stagebox::cli
