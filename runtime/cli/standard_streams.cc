#include "runtime/cli/standard_streams.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <limits>
#include <utility>

#include "runtime/base/files.h"
#include "runtime/base/pipe.h"

namespace stagebox::cli {
namespace {

using base::Result;
using base::UniqueFd;

// Reads what the command writes and writes it to `fd`, as it is. Nothing of it is kept.
void pass_output(UniqueFd read_end, int fd, sandbox::Supervision& supervision) {
  supervision.outputs.push_back({std::move(read_end), [fd](std::span<const std::byte> bytes) {
                                   return base::write_all(fd, bytes);
                                 }});
}

void keep_no_log(run::LaunchRequest& request) {
  request.spec.limits.log = std::numeric_limits<std::uint64_t>::max();
}

enum class Passing {
  kAsItIs,
  kAsFile,      ///< What can be made another one by who has it open.
  kAsTerminal,  ///< Of whoever called us.
};

Result<Passing> passing_of(int fd) {
  const struct stat status = TRY(base::stat_fd(fd));
  if (S_ISREG(status.st_mode) || S_ISBLK(status.st_mode)) return Passing::kAsFile;
  return S_ISCHR(status.st_mode) && ::isatty(fd) != 0 ? Passing::kAsTerminal : Passing::kAsItIs;
}

bool is_same(int one, int other) {
  struct stat first{};
  struct stat second{};
  return ::fstat(one, &first) == 0 && ::fstat(other, &second) == 0 &&
         first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

// The end that the command gets of a pipe whose other one the supervisor reads and writes to `fd`.
Result<UniqueFd> relayed_output(int fd, run::LaunchRequest& request) {
  keep_no_log(request);
  base::Pipe pipe = TRY(base::make_pipe());
  pass_output(std::move(pipe.read_end), fd, request.supervision);
  return std::move(pipe.write_end);
}

Result<UniqueFd> give_input(InputRelay& input) {
  switch (TRY(passing_of(STDIN_FILENO))) {
    case Passing::kAsTerminal:
      return base::open_path("/dev/null", O_RDONLY);
    case Passing::kAsFile: {
      base::Pipe pipe = TRY(base::make_pipe());
      TRY(input.start(STDIN_FILENO, std::move(pipe.write_end)));
      return std::move(pipe.read_end);
    }
    case Passing::kAsItIs:
      break;
  }
  return base::duplicate(STDIN_FILENO);
}

}  // namespace

Result<void> give_standard_streams(Terminal terminal, run::LaunchRequest& request,
                                   InputRelay& input) {
  if (terminal == Terminal::kOwn) {
    for (UniqueFd& fd : request.stdio) fd = TRY(base::open_path("/dev/null", O_RDWR));
    return {};
  }
  request.stdio[0] = TRY(give_input(input));
  for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
    UniqueFd& given = request.stdio.at(static_cast<std::size_t>(fd));
    if (TRY(passing_of(fd)) == Passing::kAsItIs) {
      given = TRY(base::duplicate(fd));
    } else if (fd == STDERR_FILENO && is_same(STDOUT_FILENO, fd)) {
      // In one pipe what is written to both keeps its order.
      given = TRY(base::duplicate(request.stdio[1].get()));
    } else {
      given = TRY(relayed_output(fd, request));
    }
  }
  return {};
}

void pass_terminal(run::LaunchRequest& request, TerminalRelay& relay) {
  request.spec.terminal = TerminalRelay::size();
  keep_no_log(request);
  const char* type = std::getenv("TERM");
  request.spec.command.environment.try_emplace("TERM", type != nullptr ? type : "xterm");
  request.on_terminal = [&relay](UniqueFd terminal,
                                 sandbox::Supervision& supervision) -> Result<void> {
    pass_output(TRY(base::duplicate(terminal.get())), STDOUT_FILENO, supervision);
    return relay.start(std::move(terminal));
  };
}

}  // namespace stagebox::cli
