#include "runtime/logs/log_feed.h"

#include <algorithm>
#include <utility>

namespace stagebox::logs {

using base::Result;

std::size_t LogFeed::add(Log log) {
  const std::size_t number = logs_.size();
  logs_.push_back(std::move(log));
  cuts_.emplace_back();
  wait_for(number);
  return number;
}

void LogFeed::wait_for(std::size_t log) {
  const auto later = [this](std::size_t a, std::size_t b) {
    return logs_[a].begins > logs_[b].begins;
  };
  // After those that begin at the same time, so that they stay in the order of add().
  waiting_.insert(std::ranges::lower_bound(waiting_, log, later), log);
}

void LogFeed::restart(std::optional<std::uint64_t> bytes) {
  last_bytes_ = bytes;
  given_.reset();
  open_.clear();
  waiting_.clear();
  std::ranges::fill(cuts_, std::nullopt);
  for (std::size_t log = 0; log < logs_.size(); ++log) wait_for(log);
}

std::vector<std::size_t> LogFeed::open_logs() const {
  std::vector<std::size_t> numbers;
  for (const Open& one : open_) numbers.push_back(one.log);
  return numbers;
}

Result<void> LogFeed::open(std::size_t log) {
  failed_ = log;
  Open opened;
  opened.log = log;
  if (logs_[log].is_of_another_run) opened.time = logs_[log].begins;
  opened.reader = std::make_unique<LogReader>(TRY(LogReader::open(logs_[log].path)));
  if (!logs_[log].is_of_another_run) TRY(opened.reader->skip_to(since_));
  if (last_bytes_) TRY(opened.reader->skip_to_last(*last_bytes_));
  cuts_[log] = opened.reader->cut();
  open_.push_back(std::move(opened));
  failed_.reset();
  return {};
}

Result<void> LogFeed::load(Open& open) {
  if (open.chunk) return {};
  failed_ = open.log;
  open.chunk = TRY(open.reader->next());
  const bool has_time = open.chunk && open.chunk->time && !logs_[open.log].is_of_another_run;
  if (has_time) open.time = std::max(open.time, open.chunk->time->wall);
  failed_.reset();
  return {};
}

std::vector<LogFeed::Open>::iterator LogFeed::oldest() {
  auto oldest = open_.end();
  for (auto one = open_.begin(); one != open_.end(); ++one) {
    const bool is_over = one->reader->state() != LogState::kOpen;
    if (!one->chunk && !is_over) continue;
    if (oldest == open_.end() || one->time < oldest->time) oldest = one;
  }
  return oldest;
}

Result<std::optional<LogFeed::Item>> LogFeed::next() {
  for (Open& one : open_) {
    if (given_ == one.log) one.chunk.reset();
    TRY(load(one));
  }
  given_.reset();
  auto found = oldest();
  while (!waiting_.empty() &&
         (found == open_.end() || logs_[waiting_.back()].begins <= found->time)) {
    const std::size_t log = waiting_.back();
    waiting_.pop_back();
    TRY(open(log));
    TRY(load(open_.back()));
    found = oldest();
  }
  if (found == open_.end()) return std::optional<Item>();
  Item item{found->log, found->chunk, found->reader->state()};
  if (item.chunk)
    given_ = found->log;
  else
    open_.erase(found);
  return std::optional(item);
}

}  // namespace stagebox::logs
