// ReadyQueue: the stages that could start now, and which of them does: slots, processors, memory
// and exclusion. Pure; whether a stage is ready is SchedulerState's decision.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scheduler/capacity.h"
#include "scheduler/plan.h"

namespace stagebox::scheduler {

/// The rules:
/// - The stage with the highest urgency is looked at first, of equals the first in the file.
/// - It starts when there is a slot, when what it declares of processors and memory is free besides
///   what the started stages declared, and when none of its mutex groups is taken. What it does
///   not declare weighs nothing.
/// - A later stage may start before one for which there is no room, but not for ever: after
///   kMostOvertakings of them nothing starts until that one does. So a big stage is not starved.
/// - A stage that waits for a mutex group keeps nobody else waiting.
/// Every decision follows from the calls before it alone. Starting a stage takes logarithmic time.
/// Not thread-safe.
class ReadyQueue {
 public:
  static constexpr unsigned kMostOvertakings = 16;

  /// `urgency`: by stage, higher is sooner. `slots`: stages at a time; 0 is 1. The plan outlives
  /// this. A stage that needs more than `capacity` starts when nothing else runs; see
  /// check_capacity().
  ReadyQueue(const Plan& plan, std::vector<std::uint64_t> urgency, unsigned slots,
             Capacity capacity);

  void add(std::size_t index);
  /// Takes the stage to start now out of the queue, and its room; none: there is no such stage.
  std::optional<std::size_t> take();
  /// A stage that was taken has ended: its room is free again.
  void release(std::size_t index);
  /// A stage that was added and not taken is not ready any more.
  void remove(std::size_t index);
  void clear();
  /// The stages that were added and not taken.
  [[nodiscard]] std::vector<std::size_t> stages() const;
  /// How many of them wait for no mutex group.
  [[nodiscard]] std::size_t size() const { return queue_.size(); }
  /// How many stages that declare one processor each could be taken besides those that are.
  [[nodiscard]] std::size_t free_slots() const;
  /// Stages that were taken and not released.
  [[nodiscard]] std::size_t taken() const { return taken_; }

 private:
  using Place = std::pair<std::uint64_t, std::size_t>;  // Sorts the most urgent first.
  using Places = std::set<Place>;
  struct Group {
    bool taken = false;
    Places waiting;
  };

  [[nodiscard]] Place place(std::size_t index) const;
  [[nodiscard]] bool has_room(const Stage& stage) const;
  [[nodiscard]] Group* taken_group(const Stage& stage);
  enum class Woken { kNobody, kOne };
  Woken park(Places::iterator place, Group& group, const Stage& stage);
  Woken wake_one(Group& group);
  void start(Places::iterator place);

  const Plan& plan_;
  std::vector<std::uint64_t> urgency_;
  unsigned slots_;
  Capacity capacity_;
  Places queue_;
  std::map<std::string, Group, std::less<>> groups_;
  std::optional<std::size_t> overtaken_;  // The most urgent stage for which there was no room.
  unsigned overtakings_ = 0;              // Of it.
  std::size_t taken_ = 0;
  double cpus_ = 0;           // That the taken stages declared.
  std::uint64_t memory_ = 0;  // The same.
};

}  // namespace stagebox::scheduler
