#include "runtime/store/runs/decision_store.h"

#include <cstdint>
#include <mutex>
#include <utility>

#include "runtime/store/content/reapi_codec.h"
#include "runtime/store/runs/key_column.h"
#include "runtime/store/runs/run_database.h"
#include "runtime/store/runs/timestamp_column.h"
#include "runtime/store/stage_record.pb.h"

namespace stagebox::store {
namespace {

using base::Result;

Result<std::vector<std::string>> decode_messages(const std::string& bytes) {
  StageKeyMessages decoded;
  if (!decode_message(decoded, bytes)) {
    return base::corrupt("the messages of a stage key in the run database are damaged");
  }
  return std::vector<std::string>(decoded.messages().begin(), decoded.messages().end());
}

Result<EarlierStage> earlier_of(const Statement& row) {
  const StageState state = TRY(parse_stage_state(row.text(2)));
  const auto key = Digest::from_hex(row.text(3));
  if (!key.ok()) return base::corrupt("a stage key in the run database is damaged");
  return EarlierStage{row.text(0), row.text(4), time_of(row.integer(1)), state, *key};
}

// Parameter 1 is stage_parameter().
std::string_view stage_condition(EarlierQuery::Among among) {
  switch (among) {
    case EarlierQuery::Among::kStage:
      return "AND stages.stage = ?1 ";
    case EarlierQuery::Among::kMatrix:
      // A range, for the index: '\' follows '['.
      return "AND stages.stage >= ?1 AND stages.stage < ?1 || '\\' "
             "AND (stages.stage = ?1 OR stages.stage >= ?1 || '[') ";
    case EarlierQuery::Among::kAll:
      break;
  }
  return "";
}

std::string_view stage_parameter(const EarlierQuery& query) {
  const std::string_view stage = query.stage;
  return query.among == EarlierQuery::Among::kMatrix ? stage.substr(0, stage.find('[')) : stage;
}

}  // namespace

Result<std::optional<Decision>> DecisionStore::find(const std::string& run_id,
                                                    const std::string& stage) const {
  const std::lock_guard guard(state_->mutex);
  Statement row = TRY(state_->database.prepare(
      "SELECT stage_key, verdict, detail, limits, image, finished_key FROM decisions "
      "WHERE run_id = ? AND stage = ?"));
  const bool found = TRY(row.bind(run_id).bind(stage).step());
  if (!found) return std::optional<Decision>();
  const auto key = Digest::from_hex(row.text(0));
  if (!key.ok()) return base::corrupt("a stage key in the run database is damaged");
  const auto finished_key = TRY(key_of(row.text(5)));
  return std::optional(Decision{run_id, stage, *key, row.text(1), row.text(2), row.text(3),
                                row.text(4), finished_key});
}

Result<std::vector<std::string>> DecisionStore::messages(const Digest& stage_key) const {
  const std::lock_guard guard(state_->mutex);
  Statement row =
      TRY(state_->database.prepare("SELECT messages FROM key_messages WHERE stage_key = ?"));
  const bool found = TRY(row.bind(stage_key.hex()).step());
  if (!found) return std::vector<std::string>();
  return decode_messages(row.blob(0));
}

Result<std::vector<EarlierStage>> DecisionStore::earlier(const RunRecord& run,
                                                         const EarlierQuery& query) const {
  const std::lock_guard guard(state_->mutex);
  Statement rows = TRY(state_->database.prepare(
      "SELECT runs.id, runs.started_at, stages.state, stages.stage_key, stages.stage "
      "FROM runs JOIN stages ON stages.run_id = coalesce(runs.stages_of, runs.id) " +
      std::string(stage_condition(query.among)) +
      "WHERE runs.rowid < (SELECT rowid FROM runs WHERE id = ?2) AND stages.stage_key <> '' "
      "AND CASE WHEN ?3 <> '' THEN runs.pipeline = ?3 ELSE runs.file = ?4 END "
      "AND (?5 = '' OR runs.domain = ?5) ORDER BY runs.rowid DESC LIMIT ?6"));
  rows.bind(stage_parameter(query)).bind(run.id).bind(run.pipeline).bind(run.file);
  rows.bind(query.domain ? query.domain->text() : "");
  rows.bind(static_cast<std::int64_t>(query.limit));
  std::vector<EarlierStage> earlier;
  for (;;) {
    const bool more = TRY(rows.step());
    if (!more) return earlier;
    EarlierStage one = TRY(earlier_of(rows));
    earlier.push_back(std::move(one));
  }
}

Result<std::vector<KeyMessages>> DecisionStore::all_messages() const {
  const std::lock_guard guard(state_->mutex);
  Statement rows = TRY(state_->database.prepare("SELECT stage_key, messages FROM key_messages"));
  std::vector<KeyMessages> all;
  for (;;) {
    const bool more = TRY(rows.step());
    if (!more) return all;
    const auto key = Digest::from_hex(rows.text(0));
    auto messages = decode_messages(rows.blob(1));
    if (key.ok() && messages.ok()) all.push_back({*key, std::move(*messages)});
  }
}

Result<void> DecisionStore::prune(const std::vector<Digest>& keep) const {
  const std::lock_guard guard(state_->mutex);
  auto transaction = TRY(Transaction::begin(state_->database));
  TRY(
      state_->database.execute("CREATE TEMP TABLE IF NOT EXISTS kept(stage_key TEXT PRIMARY KEY);"
                               "DELETE FROM kept;"));
  for (const Digest& key : keep) {
    Statement row =
        TRY(state_->database.prepare("INSERT OR IGNORE INTO kept(stage_key) VALUES(?)"));
    TRY(row.bind(key.hex()).run());
  }
  TRY(state_->database.execute(
      "DELETE FROM key_messages WHERE stage_key NOT IN (SELECT stage_key FROM kept) "
      "AND stage_key NOT IN (SELECT stage_key FROM stages) "
      "AND stage_key NOT IN (SELECT cached_key FROM stages) "
      "AND stage_key NOT IN (SELECT stage_key FROM decisions) "
      "AND stage_key NOT IN (SELECT finished_key FROM decisions)"));
  return transaction.commit();
}

}  // namespace stagebox::store
