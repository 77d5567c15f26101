// What the run store remembers, as plain values: runs, their stages, and the stages' outputs.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/trust_domain.h"
#include "runtime/store/stage_result.h"

namespace stagebox::store {

/// Wall clock, kept to the millisecond.
using Timestamp = std::chrono::sys_time<std::chrono::milliseconds>;
/// The time now, as it would be read back.
Timestamp timestamp_now();

enum class RunState {
  kRunning,    ///< or its process died: then its pid and instance say so
  kSucceeded,  ///< every stage did what it had to
  kFailed,     ///< a stage failed
  kCancelled,  ///< the user interrupted
  kError,      ///< Stagebox or the machine failed
};

enum class StageState {
  kPending,  ///< known, not started
  kRunning,
  kRetrying,  ///< an attempt failed; waits for the next one
  kSucceeded,
  kCached,  ///< taken from the stage cache; cached_from says which run made it
  kFailed,
  kAllowedFailure,  ///< failed as the pipeline allows it to; its attempts are kFailed
  kSkipped,         ///< its condition or what it needs did not let it run
  kCancelled,
  kError,  ///< Stagebox or the machine failed
};

/// Whether what it makes is there, made by it or taken from the stage cache.
bool has_succeeded(StageState state);
/// "running", "succeeded", ... as in the database and in JSON.
std::string_view run_state_name(RunState state);
std::string_view stage_state_name(StageState state);
/// kCorrupt for any other word.
base::Result<RunState> parse_run_state(std::string_view name);
base::Result<StageState> parse_stage_state(std::string_view name);

struct RunRecord {
  std::string id;
  std::string pipeline;  ///< its name
  std::string file;      ///< absolute path of the pipeline file
  Timestamp started_at;
  std::optional<Timestamp> ended_at;
  RunState state = RunState::kRunning;
  pid_t pid = 0;
  std::string instance;  ///< the InstanceLock that shows whether its process lives; may be empty
  /// What else its command said (parameters, selected stages), for `resume`, in the words of
  /// whoever began the run.
  std::string request = {};
  base::TrustDomain domain = {};  ///< stays the same when the run is resumed
  /// The run whose stages and outputs are also this one's, because nothing ran; empty: it has its
  /// own. That run has its own, and when it goes they become those of a run that shares them.
  std::string stages_of = {};
  bool operator==(const RunRecord&) const = default;
};

/// What the run was like whose stages another one shares.
struct SharedStages {
  Timestamp ended_at;
  bool has_outputs = false;
  bool operator==(const SharedStages&) const = default;
};

struct StageRow {
  std::string run_id;
  std::string stage;  ///< with its matrix values: "test[small]"
  StageState state = StageState::kPending;
  std::optional<Digest> stage_key;
  std::string reason;  ///< why it ran, was skipped or was taken from the cache; for people
  std::optional<Timestamp> started_at;
  std::optional<Timestamp> ended_at;
  std::string exit_report;  ///< JSON, or empty
  std::string log_path;
  std::string cached_from;  ///< a run id, or empty
  std::int64_t attempts = 0;
  std::string taken_from =
      {};  ///< JSON: STAGE.OUTPUT by the path of the input that it is, or empty
  /// Under which it was found in the stage cache; none: under its own.
  std::optional<Digest> cached_key = {};
  bool operator==(const StageRow&) const = default;
};

/// One try of a stage. One that never ended was going on when the process of its run died.
struct AttemptRow {
  std::string run_id;
  std::string stage;
  std::int64_t number = 1;  ///< from 1; goes on when the run is resumed
  StageState state = StageState::kRunning;
  std::string reason;  ///< how it ended; for people
  std::optional<Timestamp> started_at;
  std::optional<Timestamp> ended_at;
  std::string exit_report;  ///< JSON, or empty
  std::string log_path;
  bool operator==(const AttemptRow&) const = default;
};

struct OutputRow {
  std::string run_id;
  std::string stage;
  StoredOutput output;
  bool operator==(const OutputRow&) const = default;
};

/// What the reports of an attempt said.
template <typename Ref>
struct ReportRow {
  std::string run_id;
  std::string stage;
  std::int64_t attempt = 0;  ///< 0: nothing ran, it was taken from the stage cache
  Ref report;
  bool operator==(const ReportRow&) const = default;
};
using TestReportRow = ReportRow<TestReportRef>;
using CoverageRow = ReportRow<CoverageRef>;
using SummaryRow = ReportRow<SummaryRef>;

/// A directory of a stage that failed, as the last attempt that failed left it.
struct KeptTree {
  std::string path;  ///< in the workspace; empty: the workspace itself
  Digest root;
  std::uint64_t size = 0;  ///< TreeRef::size
  bool operator==(const KeptTree&) const = default;
};

/// What is kept of such a stage for `shell`.
struct KeptWorkspace {
  std::vector<KeptTree> trees;  ///< the workspace, and each copy-on-write directory in it
  std::string missing = {};     ///< why there are none; for people
  bool operator==(const KeptWorkspace&) const = default;
};

/// What the stage cache said of a stage of a run.
struct Decision {
  std::string run_id;
  std::string stage;
  Digest stage_key;
  std::string verdict;      ///< "hit", "no-record", ...: the words of whoever decides
  std::string detail;       ///< for people; may be empty
  std::string limits = {};  ///< that the stage asked for, in the words of whoever decides
  std::string image = {};   ///< what the pipeline calls the stage's image; for people, may be empty
  /// Under which the stage had finished before in this run; none: it had not, or under the same.
  std::optional<Digest> finished_key = {};
  bool operator==(const Decision&) const = default;
};

/// With the messages that the stage key is the digest of (EncodedAction::new_blobs).
struct NotedDecision {
  Decision decision;
  std::vector<std::string> messages;
};

/// What is recorded of a stage at once.
struct StageChange {
  StageRow stage;
  std::vector<StoredOutput> outputs = {};
  std::optional<AttemptRow> attempt = {};
  /// How long it took to succeed, for stage_durations(); none when it did not run.
  std::optional<std::chrono::milliseconds> took = {};
  std::optional<TestReportRef> tests = {};   ///< of `attempt`, or without one taken from the cache
  std::optional<CoverageRef> coverage = {};  ///< as `tests`
  std::optional<SummaryRef> summary = {};    ///< as `tests`
  std::optional<KeptWorkspace> workspace = {};  ///< of `attempt`, which failed
  std::optional<NotedDecision> decision = {};   ///< why `attempt` was made
};

struct RunDetails {
  RunRecord run;
  std::vector<StageRow> stages;            ///< in the order they were first recorded
  std::vector<OutputRow> outputs;          ///< by stage and name
  std::vector<AttemptRow> attempts;        ///< by stage and number
  std::vector<TestReportRow> tests = {};   ///< by stage and attempt
  std::vector<CoverageRow> coverage = {};  ///< the same
  std::vector<SummaryRow> summaries = {};  ///< the same
};

}  // namespace stagebox::store
