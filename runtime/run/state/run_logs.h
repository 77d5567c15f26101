// Which file has the log of a stage of a run. What is in it is logs::LogReader's business.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/store/runs/run_types.h"

namespace stagebox::run {

/// The stage of this name; kNotFound, with the run's id, when it has none.
base::Result<store::StageRow> find_stage(const store::RunDetails& details, const std::string& name);

/// Between the name of an attempt's log and that of a service of it: "STAGE@SERVICE.log".
inline constexpr char kServiceMark = '@';
/// The log of a service beside `stage_log`, a path that ends with ".log".
std::string service_log_path(const std::string& stage_log, const std::string& service);

/// What a word of `logs` names: a stage, or STAGE@SERVICE.
struct NamedLog {
  store::StageRow stage;
  std::string service;  ///< Empty: the stage itself.
};
base::Result<NamedLog> find_named_log(const store::RunDetails& details, const std::string& name);

/// `stage` may be STAGE@SERVICE too. Of attempt `attempt` of a stage, from 1; 0: of the last one,
/// or of the run that it was taken from. kNotFound when there is no such attempt, or when it wrote
/// nothing because it did not run.
base::Result<std::string> find_log(const store::RunDetails& details, const std::string& stage,
                                   std::size_t attempt);

struct StageLog {
  std::string stage;
  std::string service;       ///< Empty: the stage itself.
  std::int64_t attempt = 0;  ///< 0: it was taken from another run, or from before the run resumed.
  std::string path;
  store::Timestamp begins;  ///< Or when it was taken from another run.
  bool is_of_another_run = false;
};
/// Of all attempts of all stages so far, each followed by those of its services, and what was taken
/// from other runs. Services have no record of their own: the files beside the stage's log tell.
std::vector<StageLog> list_logs(const store::RunDetails& details);
/// The same of one stage without its services, or of one service.
std::vector<StageLog> list_logs(const store::RunDetails& details, const NamedLog& named);

}  // namespace stagebox::run
