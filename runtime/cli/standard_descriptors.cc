#include "runtime/cli/standard_descriptors.h"

#include <fcntl.h>
#include <unistd.h>

namespace stagebox::cli {

void open_missing_standard_descriptors() {
  // Each takes the lowest free number.
  for (int standard = STDIN_FILENO; standard <= STDERR_FILENO; ++standard) {
    if (::fcntl(standard, F_GETFD) < 0) (void)::open("/dev/null", O_RDWR);
  }
}

}  // namespace stagebox::cli
