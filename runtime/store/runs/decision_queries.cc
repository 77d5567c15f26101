#include "runtime/store/runs/decision_queries.h"

#include <string>
#include <vector>

#include "runtime/store/content/reapi_codec.h"
#include "runtime/store/runs/key_column.h"
#include "runtime/store/stage_record.pb.h"

namespace stagebox::store {
namespace {

std::string encode_messages(const std::vector<std::string>& messages) {
  StageKeyMessages encoded;
  for (const std::string& message : messages) encoded.add_messages(message);
  return encode_message(encoded);
}

}  // namespace

base::Result<void> upsert_decision(Database& database, const NotedDecision& noted) {
  const Decision& decision = noted.decision;
  Statement row = TRY(database.prepare(
      "INSERT OR REPLACE INTO decisions(run_id, stage, stage_key, verdict, detail, limits, image, "
      "finished_key) VALUES(?,?,?,?,?,?,?,?)"));
  row.bind(decision.run_id).bind(decision.stage).bind(decision.stage_key.hex());
  row.bind(decision.verdict).bind(decision.detail).bind(decision.limits);
  TRY(row.bind(decision.image).bind(to_column(decision.finished_key)).run());
  Statement kept =
      TRY(database.prepare("INSERT OR IGNORE INTO key_messages(stage_key, messages) VALUES(?,?)"));
  return kept.bind(decision.stage_key.hex()).bind_blob(encode_messages(noted.messages)).run();
}

}  // namespace stagebox::store
