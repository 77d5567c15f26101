// parse_pipeline: the bytes of a pipeline file as a valid Pipeline, or everything that is wrong
// with it. Pure: looks at no file, clock or environment.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runtime/base/trust_domain.h"
#include "scheduler/diagnostics.h"
#include "scheduler/file/params_reader.h"
#include "scheduler/pipeline.h"

namespace stagebox::scheduler {

/// What a file may ask about the run that it is read for.
struct RunFacts {
  base::Trust trust = base::Trust::kTrusted;  ///< `run.trust`
};

/// `file_name` is for the messages only. The bytes may come from an attacker. A file that is wrong
/// is no Error: the diagnostics are the answer (exit status 2).
std::variant<Pipeline, Diagnostics> parse_pipeline(std::string_view file_name,
                                                   std::string_view bytes,
                                                   const ParamOverrides& overrides = {},
                                                   const RunFacts& run = {});
/// The ids of the stages alone, in the order of the file, for who chooses among them while the file
/// is not whole yet: mistakes do not matter, and parameters need no values. A stage whose matrix is
/// made of what is not known is called by its name. None of what is no pipeline file.
std::vector<std::string> read_stage_ids(std::string_view bytes);

}  // namespace stagebox::scheduler
