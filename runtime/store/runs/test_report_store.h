// TestReportStore: where the results of stages' tests are, in this run and in earlier ones. In the
// run database; the results themselves are blobs of the content store.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/store/runs/run_types.h"

namespace stagebox::store {

/// The tests of one attempt of a stage in an earlier run.
struct EarlierTests {
  std::string run_id;
  Timestamp run_started_at;
  std::int64_t attempt = 1;
  std::optional<Digest> stage_key;
  TestReportRef report;
};

struct RunDatabase;

/// May be used from several threads and processes, as RunStore, which makes it and records.
class TestReportStore {
 public:
  /// Of the attempts of the same stage in the runs of the same pipeline (its name, or without one
  /// its file) that began before this one: newest run first, in it the last attempt first, at most
  /// `limit`. Only from domains that this run's domain may read, and only of stages that ran.
  base::Result<std::vector<EarlierTests>> earlier(const RunRecord& run, const std::string& stage,
                                                  std::size_t limit) const;
  /// For gc: every blob that a run on record refers to.
  base::Result<std::vector<Digest>> all() const;

 private:
  friend class RunStore;
  explicit TestReportStore(std::shared_ptr<RunDatabase> state) : state_(std::move(state)) {}

  std::shared_ptr<RunDatabase> state_;
};

}  // namespace stagebox::store
