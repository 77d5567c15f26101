// CoverageStore: what the tests of a stage covered in earlier runs. In the run database; which
// lines they are is in blobs of the content store.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/store/runs/run_types.h"

namespace stagebox::store {

/// Of one stage in an earlier run.
struct EarlierCoverage {
  std::string run_id;
  CoverageRef coverage;
};

struct RunDatabase;

/// May be used from several threads and processes, as RunStore, which makes it and records.
class CoverageStore {
 public:
  /// Of the same stage in the newest trusted run of the same pipeline (its name, or without one its
  /// file) that began before this one, and in which the stage succeeded, or was taken from the
  /// cache, and had lines. What an untrusted run says is never asked for. None when there is none.
  base::Result<std::optional<EarlierCoverage>> last_trusted(const std::string& run_id,
                                                            const std::string& stage) const;
  /// For gc: every blob that a run on record refers to.
  base::Result<std::vector<Digest>> all() const;

 private:
  friend class RunStore;
  explicit CoverageStore(std::shared_ptr<RunDatabase> state) : state_(std::move(state)) {}

  std::shared_ptr<RunDatabase> state_;
};

}  // namespace stagebox::store
