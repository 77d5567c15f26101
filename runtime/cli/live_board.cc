#include "runtime/cli/live_board.h"

#include <algorithm>
#include <optional>
#include <ranges>
#include <utility>

#include "runtime/base/units.h"
#include "runtime/cli/text_width.h"
#include "scheduler/diagnostics.h"

namespace stagebox::cli {
namespace {

using scheduler::StageState;
using std::chrono::milliseconds;

/// Of the last line of a stage less says nothing.
constexpr std::size_t kLeastOfLine = 10;  // columns

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

std::string waits_for(const scheduler::StageOutcome& outcome) {
  if (outcome.state == StageState::kRetrying) return "waits for its next attempt";
  if (outcome.state != StageState::kReady) return "";
  return "waits: " + scheduler::escape_controls(outcome.detail);
}

}  // namespace

LiveBoard::LiveBoard(const scheduler::Plan& plan, unsigned jobs, Time start)
    : plan_(plan), jobs_(std::max(jobs, 1U)), start_(start), ended_(plan.size()) {}

void LiveBoard::on_stage(const scheduler::PlannedStage& planned,
                         const scheduler::StageOutcome& outcome, Time now) {
  const std::size_t index = planned.index;
  if (outcome.state == StageState::kRunning || outcome.state == StageState::kRetrying ||
      outcome.state == StageState::kReady) {
    std::string text = scheduler::escape_controls(planned.stage.id);
    if (outcome.attempt > 1) text += " (attempt " + std::to_string(outcome.attempt) + ")";
    active_[index] = {std::move(text), now, waits_for(outcome), {}};
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

void LiveBoard::on_output(const scheduler::PlannedStage& planned, LastLine last_line) {
  const auto active = active_.find(planned.index);
  if (active != active_.end()) active->second.last_line = std::move(last_line);
}

std::string LiveBoard::active_line(std::size_t index, const Active& active, Time now) const {
  std::string line = "  " + active.text + "  ";
  if (!active.waits.empty()) return line + active.waits;
  line += shown(since(active.since, now));
  if (index < estimates_.size() && estimates_[index])
    line += " of about " + shown(*estimates_[index]);
  return line;
}

// The last line of its log, where there is room for it behind the rest.
std::string LiveBoard::said(const Active& active, std::size_t columns, Colour colour) {
  constexpr std::string_view kBefore = "  | ";
  if (!active.waits.empty() || !active.last_line || columns < kBefore.size() + kLeastOfLine)
    return "";
  const std::string line = active.last_line();
  if (line.empty()) return "";
  return painted(std::string(kBefore) + fit(line, columns - kBefore.size()), "2", colour);
}

// What is left at the least: the longest way to the end, or all work shared by the slots. Nothing
// when none of what is left has run before.
std::string LiveBoard::remaining(Time now) const {
  if (estimates_.size() != plan_.size()) return "";
  milliseconds work{0};
  milliseconds longest{0};
  bool all_known = true;
  std::vector<milliseconds> to_end(plan_.size());
  for (const std::size_t index : std::views::reverse(plan_.order())) {
    if (ended_[index]) continue;
    all_known = all_known && estimates_[index];
    const auto active = active_.find(index);
    const milliseconds spent =
        active == active_.end() ? milliseconds(0) : since(active->second.since, now);
    const milliseconds left =
        std::max(estimates_[index].value_or(milliseconds(0)) - spent, milliseconds(0));
    milliseconds after{0};
    for (const std::size_t edge : plan_.stages()[index].edges_out)
      after = std::max(after, to_end[plan_.edges()[edge].to]);
    to_end[index] = left + after;
    work += left;
    longest = std::max(longest, to_end[index]);
  }
  const milliseconds left = std::max(longest, work / jobs_);
  if (left < std::chrono::seconds(1)) return "";
  return (all_known ? ", about " : ", more than ") + shown(left) + " left";
}

std::string LiveBoard::totals(Time now, Colour colour) const {
  std::string line = std::to_string(finished_) + "/" + std::to_string(plan_.size()) + " done";
  if (cached_ > 0) line += ", " + std::to_string(cached_) + " cached";
  if (failed_ > 0) line += ", " + painted(std::to_string(failed_) + " failed", "1;31", colour);
  line += ", " + std::to_string(active_.size()) + " running, ";
  line += shown(since(start_, now));
  return line + (cancelled_ ? ", cancelling (Ctrl-C again: at once)" : remaining(now));
}

std::vector<std::string> LiveBoard::lines(Time now, BoardSize size, Colour colour) const {
  std::vector<std::pair<Time, std::size_t>> oldest_first;
  for (const auto& [index, active] : active_) oldest_first.emplace_back(active.since, index);
  std::ranges::sort(oldest_first);
  const std::size_t room = std::max<std::size_t>(size.rows / 2, 2) - 1;
  const bool all_fit = oldest_first.size() <= room;
  const std::size_t count = all_fit ? oldest_first.size() : room - 1;
  std::vector<std::string> lines;
  for (const auto& [begin, index] : std::span(oldest_first).first(count)) {
    const Active& active = active_.at(index);
    const std::string line = fit(active_line(index, active, now), size.columns);
    lines.push_back(line + said(active, size.columns - columns_of(line), colour));
  }
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
