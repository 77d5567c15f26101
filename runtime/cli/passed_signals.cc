#include "runtime/cli/passed_signals.h"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "runtime/base/pipe.h"

namespace stagebox::cli {

base::Result<PassedSignals> PassedSignals::watch(std::function<void()> on_end) {
  base::Pipe pipe = TRY(base::make_pipe());
  // Neither who sends thousands nor who never reads them stops us.
  for (const int end : {pipe.read_end.get(), pipe.write_end.get()}) {
    if (::fcntl(end, F_SETFL, O_NONBLOCK) != 0) return base::errno_error("prepare a pipe");
  }
  auto interrupts = TRY(Interrupts::watch(
      {SIGUSR1, SIGUSR2}, [to = pipe.write_end.get(), on_end = std::move(on_end)](int signal) {
        const auto number = static_cast<unsigned char>(signal);
        (void)!::write(to, &number, 1);
        if (signal != SIGUSR1 && signal != SIGUSR2) on_end();
      }));
  return PassedSignals(std::move(pipe.read_end), std::move(pipe.write_end), std::move(interrupts));
}

}  // namespace stagebox::cli
