#include "runtime/cli/line_tail.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace stagebox::cli {
namespace {

// What a line without text takes, about.
constexpr std::size_t kLineCost = sizeof(HeldLine);

std::size_t cost_of(const HeldLine& line) {
  std::size_t cost = kLineCost + line.text.size();
  for (const std::string& group : line.groups) cost += sizeof(std::string) + group.size();
  return cost;
}

}  // namespace

void LineTail::add(HeldLine line) {
  total_ = std::max(total_, line.number);
  drop_earlier();
  // More of a line after which enough others have begun.
  if (is_too_long_ || !is_last(line.number, total_)) return;
  used_ += cost_of(line);
  lines_.push_back(std::move(line));
  if (used_ <= room_) return;
  is_too_long_ = true;
  lines_.clear();
}

// From the front only: a piece of an earlier line that stands after one of a later line goes when
// that one goes, or in take().
void LineTail::drop_earlier() {
  while (!lines_.empty() && !is_last(lines_.front().number, total_)) {
    used_ -= cost_of(lines_.front());
    lines_.pop_front();
  }
}

std::vector<HeldLine> LineTail::take() {
  std::erase_if(lines_, [this](const HeldLine& line) { return !is_last(line.number, total_); });
  std::vector<HeldLine> taken(std::make_move_iterator(lines_.begin()),
                              std::make_move_iterator(lines_.end()));
  lines_.clear();
  used_ = 0;
  return taken;
}

}  // namespace stagebox::cli
