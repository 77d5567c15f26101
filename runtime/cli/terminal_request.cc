#include "runtime/cli/terminal_request.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <limits>
#include <utility>

#include "runtime/base/files.h"

namespace stagebox::cli {
namespace {

using base::Result;
using base::UniqueFd;

Result<void> write_out(std::span<const std::byte> bytes) {
  return base::write_all(STDOUT_FILENO, bytes);
}

}  // namespace

Result<void> give_standard_streams(Terminal terminal, run::LaunchRequest& request) {
  for (int fd = 0; fd < 3; ++fd) {
    // With a terminal none of ours goes in.
    request.stdio.at(static_cast<std::size_t>(fd)) = terminal == Terminal::kOwn
                                                         ? TRY(base::open_path("/dev/null", O_RDWR))
                                                         : TRY(base::duplicate(fd));
  }
  return {};
}

void pass_terminal(run::LaunchRequest& request, TerminalRelay& relay) {
  request.spec.terminal = TerminalRelay::size();
  // Nothing of it is kept.
  request.spec.limits.log = std::numeric_limits<std::uint64_t>::max();
  const char* type = std::getenv("TERM");
  request.spec.command.environment.try_emplace("TERM", type != nullptr ? type : "xterm");
  request.on_terminal = [&relay](UniqueFd terminal,
                                 sandbox::Supervision& supervision) -> Result<void> {
    UniqueFd read_end = TRY(base::duplicate(terminal.get()));
    supervision.outputs.push_back({std::move(read_end), write_out});
    return relay.start(std::move(terminal));
  };
}

}  // namespace stagebox::cli
