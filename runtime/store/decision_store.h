// DecisionStore: why each stage ran or did not, and the messages that its stage key is the digest
// of, for `explain`. In the run database, but nothing else depends on it: what was recorded last
// may be missing after a crash of the machine, and costs no waiting for the disk.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/store/run_types.h"

namespace stagebox::store {

/// What the stage cache said of a stage of a run.
struct Decision {
  std::string run_id;
  std::string stage;
  Digest stage_key;
  std::string verdict;  ///< "hit", "no-record", ...: the words of whoever decides
  std::string detail;   ///< for people; may be empty
  bool operator==(const Decision&) const = default;
};

/// The Action, Command and Directory messages of one stage key (EncodedAction::new_blobs).
struct KeyMessages {
  Digest stage_key;
  std::vector<std::string> messages;
};

/// The same stage in an earlier run.
struct EarlierStage {
  std::string run_id;
  Timestamp run_started_at;
  StageState state = StageState::kPending;
  Digest stage_key;
};

/// May be used from several threads and processes, as RunStore.
class DecisionStore {
 public:
  /// The database that a RunStore has opened, and so brought up to date, before.
  static base::Result<DecisionStore> open(const std::string& path);
  DecisionStore(DecisionStore&&) noexcept;
  DecisionStore& operator=(DecisionStore&&) noexcept;
  DecisionStore(const DecisionStore&) = delete;
  DecisionStore& operator=(const DecisionStore&) = delete;
  ~DecisionStore();

  /// Adds or replaces; the run must be there.
  base::Result<void> record(const Decision& decision,
                            const std::vector<std::string>& messages) const;
  base::Result<std::optional<Decision>> find(const std::string& run_id,
                                             const std::string& stage) const;
  /// Empty when they are not kept.
  base::Result<std::vector<std::string>> messages(const Digest& stage_key) const;
  /// The same stage in the runs of the same pipeline (its name, or without one its file) that began
  /// before this one: those that had a stage key, newest first.
  base::Result<std::vector<EarlierStage>> earlier(const RunRecord& run, const std::string& stage,
                                                  std::size_t limit) const;

  /// For gc: what is kept, and forgetting what no stage of a run and none of `keep` has as its key.
  base::Result<std::vector<KeyMessages>> all_messages() const;
  base::Result<void> prune(const std::vector<Digest>& keep) const;

 private:
  struct State;
  explicit DecisionStore(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace stagebox::store
