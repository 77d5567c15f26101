// DecisionStore: why each stage ran, and the messages that its stage key is the digest of, for
// `explain`. RunStore::record() writes it down with the attempt that was decided on.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/store/runs/run_types.h"

namespace stagebox::store {

/// The Action, Command and Directory messages of one stage key (EncodedAction::new_blobs).
struct KeyMessages {
  Digest stage_key;
  std::vector<std::string> messages;
};

/// A stage of an earlier run.
struct EarlierStage {
  std::string run_id;
  std::string stage;
  Timestamp run_started_at;
  StageState state = StageState::kPending;
  Digest stage_key;
};

struct EarlierQuery {
  enum class Among {
    kStage,   ///< the same stage
    kMatrix,  ///< all with its name, before the values of its matrix
    kAll,
  };
  std::string stage;
  std::size_t limit = 0;
  Among among = Among::kStage;
  std::optional<base::TrustDomain> domain = {};  ///< only in its runs
};

struct RunDatabase;

/// May be used from several threads and processes, as RunStore, which makes it.
class DecisionStore {
 public:
  base::Result<std::optional<Decision>> find(const std::string& run_id,
                                             const std::string& stage) const;
  /// Empty when they are not kept.
  base::Result<std::vector<std::string>> messages(const Digest& stage_key) const;
  /// Stages of the runs of the same pipeline (its name, or without one its file) that began before
  /// this one: those that had a stage key, newest first.
  base::Result<std::vector<EarlierStage>> earlier(const RunRecord& run,
                                                  const EarlierQuery& query) const;

  /// For gc: what is kept, and forgetting what no stage of a run has as its key, was found under or
  /// had finished under before, nor any of `keep` is.
  base::Result<std::vector<KeyMessages>> all_messages() const;
  base::Result<void> prune(const std::vector<Digest>& keep) const;

 private:
  friend class RunStore;
  explicit DecisionStore(std::shared_ptr<RunDatabase> state) : state_(std::move(state)) {}

  std::shared_ptr<RunDatabase> state_;
};

}  // namespace stagebox::store
