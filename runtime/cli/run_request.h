// What a run was asked to do, as it is kept with the run (RunRecord::request) so that `resume` can
// ask for the same.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/cli/command_line/options.h"

namespace stagebox::cli {

struct RunRequest {
  std::vector<std::pair<std::string, std::string>> params;
  std::vector<std::string> stages;  ///< Empty: all.
  std::size_t jobs = 0;             ///< 0: as many as the machine has processors.
  OnFailure on_failure = OnFailure::kKeepGoing;
  std::vector<std::string> no_cache = {};  ///< RunOptions::no_cache.
  std::optional<std::string> timeout = std::nullopt;
  std::optional<std::string> policy = std::nullopt;  ///< Absolute path; read anew when resuming.
  bool explain_syscalls = false;
  std::optional<std::string> project = std::nullopt;
  bool operator==(const RunRequest&) const = default;
};

RunRequest request_of(const RunOptions& options);
std::string encode_request(const RunRequest& request);
/// kInvalid for a run that an older Stagebox began (the text is empty), kCorrupt for anything else
/// that encode_request does not make.
base::Result<RunRequest> decode_request(const std::string& text);

}  // namespace stagebox::cli
