// The two streams of a stage or a service, on their way into its log.
#pragma once

#include <string_view>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "runtime/logs/log_writer.h"
#include "runtime/run/engine/launcher.h"
#include "runtime/run/secrets/masked_log.h"

namespace stagebox::run {

/// One end of the pipe of each.
struct StreamEnds {
  base::UniqueFd out;
  base::UniqueFd err;
};
struct StreamPipes {
  StreamEnds read;
  StreamEnds write;
};
base::Result<StreamPipes> make_stream_pipes();

/// Makes `write` the streams of `request`, and /dev/null its standard input.
base::Result<void> give_streams(StreamEnds write, LaunchRequest& request);
/// Lets the supervision keep what comes out of `read` in `log`, which outlives it.
void keep_streams(StreamEnds read, MaskedLog& log, sandbox::Supervision& supervision);

/// Whether what was written is all that would have been, for the masking of its end.
SecretMasker::End end_of_streams(const base::Result<Finished>& finished);
/// The last of what is written into the log of `who` ("the stage"). What is missing is said in the
/// log itself, too.
base::Result<void> end_log(logs::LogWriter& log, const base::Result<Finished>& finished,
                           std::string_view who);

}  // namespace stagebox::run
