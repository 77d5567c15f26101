#include "scheduler/ready_queue.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace stagebox::scheduler {
namespace {

// How many stages without room are passed over in one search: a bound on its time.
constexpr unsigned kMostLookedAt = 64;
// Sums of hundredths are not exact.
constexpr double kCpuTolerance = 1e-6;

}  // namespace

ReadyQueue::ReadyQueue(const Plan& plan, std::vector<std::uint64_t> urgency, unsigned slots,
                       Capacity capacity)
    : plan_(plan),
      urgency_(std::move(urgency)),
      slots_(std::max(1U, slots)),
      capacity_(std::move(capacity)) {
  urgency_.resize(plan.size());
}

ReadyQueue::Place ReadyQueue::place(std::size_t index) const {
  return {std::numeric_limits<std::uint64_t>::max() - urgency_[index], index};
}

void ReadyQueue::add(std::size_t index) { queue_.insert(place(index)); }

bool ReadyQueue::has_room(const Stage& stage) const {
  if (taken_ == 0) return true;
  return cpus_ + stage.all_cpus() <= capacity_.cpus + kCpuTolerance &&
         memory_ + stage.all_memory() <= capacity_.memory;
}

ReadyQueue::Group* ReadyQueue::taken_group(const Stage& stage) {
  for (const std::string& name : stage.mutex) {
    Group& group = groups_[name];
    if (group.taken) return &group;
  }
  return nullptr;
}

std::optional<std::size_t> ReadyQueue::take() {
  if (taken_ >= slots_) return std::nullopt;
  std::optional<std::size_t> without_room;
  unsigned looked_at = 0;
  for (auto next = queue_.begin(); next != queue_.end();) {
    const std::size_t index = next->second;
    const Stage& stage = plan_.stages()[index].stage;
    if (Group* group = taken_group(stage)) {
      const auto after = std::next(next);
      if (park(next, *group, stage) == Woken::kNobody) {
        next = after;
        continue;
      }
      // It may be more urgent than those that follow.
      next = queue_.begin();
      without_room.reset();
      looked_at = 0;
      continue;
    }
    if (has_room(stage)) {
      if (without_room) {
        overtakings_ = overtaken_ == without_room ? overtakings_ + 1 : 1;
        overtaken_ = without_room;
      }
      start(next);
      return index;
    }
    if (!without_room) without_room = index;
    const bool enough = overtaken_ == without_room && overtakings_ >= kMostOvertakings;
    if (enough || ++looked_at > kMostLookedAt) return std::nullopt;
    ++next;
  }
  return std::nullopt;
}

void ReadyQueue::start(Places::iterator place) {
  const Stage& stage = plan_.stages()[place->second].stage;
  if (overtaken_ == place->second) overtaken_.reset();
  queue_.erase(place);
  ++taken_;
  cpus_ += stage.all_cpus();
  memory_ += stage.all_memory();
  for (const std::string& name : stage.mutex) groups_[name].taken = true;
}

void ReadyQueue::release(std::size_t index) {
  const Stage& stage = plan_.stages()[index].stage;
  --taken_;
  cpus_ = taken_ == 0 ? 0 : cpus_ - stage.all_cpus();
  memory_ -= stage.all_memory();
  for (const std::string& name : stage.mutex) {
    Group& group = groups_[name];
    group.taken = false;
    wake_one(group);
  }
}

// The stage waits aside for `group`. If it had been woken for another of its groups, which it does
// not take now, somebody else may have that.
ReadyQueue::Woken ReadyQueue::park(Places::iterator place, Group& group, const Stage& stage) {
  group.waiting.insert(*place);
  queue_.erase(place);
  Woken woken = Woken::kNobody;
  for (const std::string& name : stage.mutex) {
    Group& other = groups_[name];
    if (!other.taken && wake_one(other) == Woken::kOne) woken = Woken::kOne;
  }
  return woken;
}

// One is enough: when it ends, it wakes the next.
ReadyQueue::Woken ReadyQueue::wake_one(Group& group) {
  if (group.waiting.empty()) return Woken::kNobody;
  queue_.insert(group.waiting.extract(group.waiting.begin()));
  return Woken::kOne;
}

void ReadyQueue::remove(std::size_t index) {
  if (overtaken_ == index) overtaken_.reset();
  if (queue_.erase(place(index)) != 0) {
    // It may have been the one that was woken.
    for (const std::string& name : plan_.stages()[index].stage.mutex) {
      Group& group = groups_[name];
      if (!group.taken) wake_one(group);
    }
    return;
  }
  for (const std::string& name : plan_.stages()[index].stage.mutex)
    groups_[name].waiting.erase(place(index));
}

void ReadyQueue::clear() {
  queue_.clear();
  for (auto& [name, group] : groups_) group.waiting.clear();
}

std::size_t ReadyQueue::free_slots() const {
  const std::size_t slots = slots_ - std::min<std::size_t>(slots_, taken_);
  const double cpus = std::max(0.0, capacity_.cpus - cpus_ + kCpuTolerance);
  return cpus < static_cast<double>(slots) ? static_cast<std::size_t>(cpus) : slots;
}

std::vector<std::size_t> ReadyQueue::stages() const {
  std::vector<std::size_t> result;
  for (const Place& place : queue_) result.push_back(place.second);
  for (const auto& [name, group] : groups_) {
    for (const Place& place : group.waiting) result.push_back(place.second);
  }
  return result;
}

}  // namespace stagebox::scheduler
