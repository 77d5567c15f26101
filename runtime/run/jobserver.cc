#include "runtime/run/jobserver.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "runtime/base/files.h"

namespace stagebox::run {

using base::Result;
using base::UniqueFd;

void add_jobserver_variable(std::map<std::string, std::string>& environment, unsigned jobs) {
  // The space is where make puts its options of one letter.
  environment["MAKEFLAGS"] =
      " -j" + std::to_string(jobs) + " --jobserver-auth=fifo:/tmp/" + kJobserverFifo;
}

Result<UniqueFd> make_jobserver_fifo(const sandbox::Scratch& scratch) {
  const UniqueFd tmp =
      TRY(base::open_beneath(scratch.fd(), "tmp", O_RDONLY | O_DIRECTORY, base::Links::kRefuse));
  // Its own owner's, or the kernel lets nobody else open it in a directory as this
  // (fs.protected_fifos).
  const struct stat owner = TRY(base::stat_fd(tmp.get()));
  const bool made = ::mkfifoat(tmp.get(), kJobserverFifo, 0600) == 0 &&
                    ::fchmodat(tmp.get(), kJobserverFifo, 0666, 0) == 0 &&
                    ::fchownat(tmp.get(), kJobserverFifo, owner.st_uid, owner.st_gid, 0) == 0;
  if (!made) return base::errno_error("make the FIFO of the stage's jobserver");
  return base::open_beneath(tmp.get(), kJobserverFifo, O_RDWR | O_NONBLOCK, base::Links::kRefuse);
}

std::size_t most_tokens(const scheduler::Stage& stage, unsigned jobs) {
  const std::size_t others = std::max(1U, jobs) - 1;
  if (!stage.resources.cpus) return others;
  const double more = std::ceil(*stage.resources.cpus) - 1;
  return std::min(others, static_cast<std::size_t>(std::max(0.0, more)));
}

}  // namespace stagebox::run
