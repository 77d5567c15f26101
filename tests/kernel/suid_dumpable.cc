#include "tests/kernel/suid_dumpable.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "runtime/base/files.h"
#include "runtime/base/pipe.h"

namespace stagebox::testing {
namespace {

constexpr char kPath[] = "/proc/sys/fs/suid_dumpable";

// In a session of its own: what ends the test's group does not end it.
[[noreturn]] void put_back(int setting, int alive, std::string_view old) {
  (void)::setsid();
  char byte = 0;
  while (::read(alive, &byte, 1) < 0 && errno == EINTR) {
  }
  const ssize_t written = ::pwrite(setting, old.data(), old.size(), 0);
  ::_exit(written == static_cast<ssize_t>(old.size()) ? 0 : 1);
}

}  // namespace

base::Result<SuidDumpable> SuidDumpable::set(const std::string& value) {
  base::UniqueFd setting = TRY(base::open_path(kPath, O_RDWR));
  if (::flock(setting.get(), LOCK_EX) != 0) return base::errno_error("lock fs.suid_dumpable");
  const std::string old = TRY(base::read_file(kPath, 16));
  auto [read_end, write_end] = TRY(base::make_pipe());
  const pid_t guard = ::fork();
  if (guard < 0) return base::errno_error("fork");
  if (guard == 0) {
    write_end.reset();
    put_back(setting.get(), read_end.get(), old);
  }
  SuidDumpable made(std::move(setting), std::move(write_end), guard);
  if (::pwrite(made.setting_.get(), value.data(), value.size(), 0) < 0)
    return base::errno_error("set fs.suid_dumpable");
  return made;
}

SuidDumpable::~SuidDumpable() {
  if (!alive_.valid()) return;
  alive_.reset();
  while (::waitpid(guard_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace stagebox::testing
