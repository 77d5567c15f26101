#include "runtime/run/stage_cache.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "runtime/base/units.h"
#include "runtime/store/runs/run_types.h"

namespace stagebox::run {
namespace {

using base::Digest;
using base::Result;
using scheduler::CachePolicy;

bool fits(const store::StoredOutput& stored, const scheduler::Output& declared) {
  const bool directory = stored.kind == store::OutputKind::kDirectory;
  const bool type_fits =
      !declared.type || (*declared.type == scheduler::OutputType::kDirectory) == directory;
  return type_fits && (!declared.max_size || stored.total_bytes <= *declared.max_size);
}

// "a directory of at most 1024 bytes"
std::string described(const scheduler::Output& declared) {
  const std::string type =
      declared.type ? std::string(to_string(*declared.type)) : "file or directory";
  return "a " + type +
         (declared.max_size ? " of at most " + base::counted(*declared.max_size, "byte") : "");
}

// Empty: the recorded outputs are exactly those that the stage declares now. The key covers their
// paths; names, types and sizes are only the pipeline file's.
std::string why_others(const std::vector<store::StoredOutput>& stored,
                       const std::vector<scheduler::Output>& declared) {
  std::size_t results = 0;
  for (const scheduler::Output& output : declared) {
    if (!output.is_result()) continue;
    ++results;
    const auto found = std::ranges::find(stored, output.path, &store::StoredOutput::path);
    if (found == stored.end()) return output.name + " was not recorded";
    if (fits(*found, output)) continue;
    return output.name + " was recorded as a " + std::string(output_kind_name(found->kind)) +
           " of " + base::counted(found->total_bytes, "byte") + " and is declared as " +
           described(output);
  }
  return stored.size() == results ? "" : "there was one more";
}

// The names that this pipeline gives to the paths of a recorded result.
void rename_outputs(std::vector<store::StoredOutput>& stored,
                    const std::vector<scheduler::Output>& declared) {
  for (store::StoredOutput& output : stored) {
    for (const scheduler::Output& wanted : declared) {
      if (wanted.path == output.path) output.name = wanted.name;
    }
  }
}

// Whether the log is a file with something in it, as every log has. A log that was never written is
// not missed.
bool has_log(const std::string& path) {
  struct stat status{};
  return path.empty() ||
         (::lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0);
}

// Empty: it is young enough. What a clock that went ahead dated would else never be old.
std::string why_expired(const scheduler::Stage& stage, const store::StageResult& result) {
  if (!stage.cache_ttl) return "";
  const auto age = store::timestamp_now() - result.ended_at;
  const bool is_ahead = age.count() < 0;
  if (!is_ahead && age <= *stage.cache_ttl) return "";
  const std::string made = "made by run " + result.run_id;
  if (is_ahead) return made + ", at a time that has not come yet";
  return made + ", more than " + base::format_duration(*stage.cache_ttl) + " ago";
}

CacheVerdict verdict_of(store::RecordState state) {
  switch (state) {
    case store::RecordState::kWhole:
      return CacheVerdict::kHit;
    case store::RecordState::kDamaged:
      return CacheVerdict::kDamagedRecord;
    case store::RecordState::kOutputsMissing:
      return CacheVerdict::kMissingOutputs;
    case store::RecordState::kNone:
      break;
  }
  return CacheVerdict::kNoRecord;
}

}  // namespace

bool CacheUse::ignores(const scheduler::Stage& stage) const {
  return ignore_all || std::ranges::any_of(ignored, [&stage](const std::string& name) {
           return name == stage.id || name == stage.name;
         });
}

std::string_view to_string(CacheVerdict verdict) {
  switch (verdict) {
    case CacheVerdict::kHit:
      return "hit";
    case CacheVerdict::kFinished:
      return "finished";
    case CacheVerdict::kNoRecord:
      return "no-record";
    case CacheVerdict::kDamagedRecord:
      return "damaged-record";
    case CacheVerdict::kMissingOutputs:
      return "missing-outputs";
    case CacheVerdict::kOtherOutputs:
      return "other-outputs";
    case CacheVerdict::kExpired:
      return "expired";
    case CacheVerdict::kNever:
      return "never";
    case CacheVerdict::kNetwork:
      return "network";
    case CacheVerdict::kIgnored:
      break;
  }
  return "ignored";
}

bool StageCache::runs_each_time(const scheduler::Stage& stage) {
  return stage.cache == CachePolicy::kNever ||
         (stage.cache == CachePolicy::kAuto && !stage.network.is_none());
}

CacheAnswer StageCache::look_up(const scheduler::Stage& stage, const StageKeys& keys,
                                Before before) const {
  if (before == Before::kCounts) {
    if (auto answer = from_this_run(stage, keys.own)) return std::move(*answer);
  }
  if (use_.ignores(stage)) return {CacheVerdict::kIgnored, "", {}};
  if (stage.cache == CachePolicy::kNever) return {CacheVerdict::kNever, "", {}};
  // What came from the network is not covered by the key: only the one who wrote the pipeline can
  // say that it is the same every time.
  if (runs_each_time(stage)) return {CacheVerdict::kNetwork, "", {}};
  CacheAnswer own = from_record(stage, keys.own);
  for (const Digest& other : keys.others) {
    if (is_taken(own.verdict)) break;
    CacheAnswer answer = from_record(stage, other);
    if (!is_taken(answer.verdict)) continue;
    own = std::move(answer);
    own.other_key = other;
  }
  return own;
}

std::optional<CacheAnswer> StageCache::from_this_run(const scheduler::Stage& stage,
                                                     const Digest& key) const {
  const auto found = finished_.find(stage.id);
  if (found == finished_.end() || found->second.key != key) return std::nullopt;
  const FinishedStage& finished = found->second;
  const store::StageResult& result = finished.result;
  if (!why_others(result.outputs, stage.outputs).empty() || !has_reports(stage, result) ||
      !has_log(result.log_path))
    return std::nullopt;
  for (const store::StoredOutput& output : result.outputs) {
    if (!content_.has_output(output)) return std::nullopt;
  }
  CacheAnswer answer{CacheVerdict::kFinished, "", result};
  answer.other_key = finished.cached_key;
  rename_outputs(answer.result.outputs, stage.outputs);
  return answer;
}

std::optional<Digest> StageCache::other_finished_key(const scheduler::Stage& stage,
                                                     const Digest& key) const {
  const auto found = finished_.find(stage.id);
  if (found == finished_.end() || found->second.key == key) return std::nullopt;
  return found->second.key;
}

CacheAnswer StageCache::from_record(const scheduler::Stage& stage, const Digest& key) const {
  auto found = actions_.lookup(key, content_);
  if (!found.ok()) return {CacheVerdict::kDamagedRecord, found.error().message, {}};
  CacheAnswer answer{verdict_of(found->state), std::move(found->problem), std::move(found->result)};
  if (answer.verdict != CacheVerdict::kHit) return answer;
  if (auto why = why_others(answer.result.outputs, stage.outputs); !why.empty())
    return {CacheVerdict::kOtherOutputs, std::move(why), {}};
  if (!has_reports(stage, answer.result))
    return {CacheVerdict::kMissingOutputs, "what its reports said is gone", {}};
  if (!has_log(answer.result.log_path))
    return {CacheVerdict::kMissingOutputs, "its log " + answer.result.log_path + " is gone", {}};
  if (auto why = why_expired(stage, answer.result); !why.empty())
    return {CacheVerdict::kExpired, std::move(why), {}};
  rename_outputs(answer.result.outputs, stage.outputs);
  answer.record_stamp = found->stamp;
  return answer;
}

bool StageCache::has_reports(const scheduler::Stage& stage,
                             const store::StageResult& result) const {
  const auto is_there = [this](const auto& report) {
    return report && content_.has_blob(report->blob.digest);
  };
  // A stage need not have written a summary.
  return (stage.tests.empty() || is_there(result.tests)) &&
         (stage.coverage.empty() || is_there(result.coverage)) &&
         (!result.summary || is_there(result.summary));
}

Result<void> StageCache::record(const scheduler::Stage& stage, const Digest& key,
                                const store::StageResult& result) const {
  if (stage.cache == CachePolicy::kNever) return {};
  if (result.duration >= kBriefStage) return actions_.store(key, result);
  actions_.note(key, result);
  return {};
}

}  // namespace stagebox::run
