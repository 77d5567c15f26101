// StageRecord: what is remembered, and told, of a stage of a run. StageRecords hands it to whoever
// shows or stores it.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/base/digest.h"
#include "runtime/run/network_access.h"
#include "runtime/run/stage_cache.h"
#include "runtime/store/content_store.h"
#include "runtime/store/stage_result.h"
#include "sandbox/exit_report.h"

namespace stagebox::run {

struct StageRecord {
  std::string stage;
  base::Digest key;         ///< Zero when it was not computed.
  std::string log_path;     ///< Empty when nothing ran.
  std::string log_tail;     ///< Last lines of a failed stage.
  std::string cached_from;  ///< The run that made the outputs; empty when it was this one.
  std::optional<CacheVerdict> verdict;  ///< Of the stage cache; none when it was not asked.
  std::string verdict_detail;           ///< CacheAnswer::detail.
  std::optional<store::EntryStamp> record_stamp;  ///< CacheAnswer::record_stamp.
  std::optional<sandbox::ExitReport> report;
  ConnectionSummary connections;
  std::vector<store::StoredOutput> outputs;
};

/// By stage; thread-safe.
class StageRecords {
 public:
  void put(StageRecord record) {
    const std::scoped_lock lock(mutex_);
    std::string stage = record.stage;
    records_.insert_or_assign(std::move(stage), std::move(record));
  }
  void remove(const std::string& stage) {
    const std::scoped_lock lock(mutex_);
    records_.erase(stage);
  }
  /// Where the last attempt that began writes its output, while there is a record of it; else
  /// empty.
  [[nodiscard]] std::string log_path(const std::string& stage) {
    const std::scoped_lock lock(mutex_);
    const auto found = records_.find(stage);
    return found == records_.end() ? "" : found->second.log_path;
  }
  /// Hands it over: nobody asks twice, and a run may have many stages.
  [[nodiscard]] std::optional<StageRecord> take(const std::string& stage) {
    const std::scoped_lock lock(mutex_);
    const auto found = records_.extract(stage);
    if (found.empty()) return std::nullopt;
    return std::move(found.mapped());
  }

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, StageRecord> records_;
};

}  // namespace stagebox::run
