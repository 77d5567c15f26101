#include "runtime/run/stage_streams.h"

#include <fcntl.h>

#include <string>
#include <utility>

#include "runtime/base/files.h"
#include "runtime/base/pipe.h"
#include "runtime/base/units.h"

namespace stagebox::run {

using base::Result;
using base::UniqueFd;
using logs::Stream;

Result<StreamPipes> make_stream_pipes() {
  base::Pipe out = TRY(base::make_pipe());
  base::Pipe err = TRY(base::make_pipe());
  return StreamPipes{{std::move(out.read_end), std::move(err.read_end)},
                     {std::move(out.write_end), std::move(err.write_end)}};
}

Result<void> give_streams(StreamEnds write, LaunchRequest& request) {
  request.stdio[0] = TRY(base::open_path("/dev/null", O_RDONLY));
  request.stdio[1] = std::move(write.out);
  request.stdio[2] = std::move(write.err);
  return {};
}

void keep_streams(StreamEnds read, MaskedLog& log, sandbox::Supervision& supervision) {
  const auto keep = [&](UniqueFd read_end, Stream stream) {
    supervision.outputs.push_back(
        {std::move(read_end),
         [&log, stream](std::span<const std::byte> bytes) { return log.append(stream, bytes); },
         [&log, stream] { return log.room(stream); }});
  };
  keep(std::move(read.out), Stream::kStdout);
  keep(std::move(read.err), Stream::kStderr);
}

SecretMasker::End end_of_streams(const Result<Finished>& finished) {
  const bool whole =
      finished.ok() && std::holds_alternative<sandbox::Exited>(finished->report.cause);
  return whole ? SecretMasker::End::kWhole : SecretMasker::End::kCutOff;
}

Result<void> end_log(logs::LogWriter& log, const Result<Finished>& finished, std::string_view who) {
  if (!finished.ok()) return {};  // It was broken off, and looks so.
  const auto* hit = std::get_if<sandbox::LimitHit>(&finished->report.cause);
  if (hit != nullptr && hit->which == sandbox::LimitHit::Which::kLog) {
    TRY(log.notice("the log ends here: " + std::string(who) + " wrote more than " +
                   base::format_bytes(hit->limit) + " (resources.log)"));
  }
  return log.end();
}

}  // namespace stagebox::run
