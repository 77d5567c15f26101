// Files of the host: Stagebox's own program, descriptors that somebody forgot, places that move.
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>

#include "tests/kernel/escape/attack/attack.h"

namespace attack {
namespace {

// Everything in a directory, by what `visit` makes of its path.
template <typename Visit>
void each_entry(const char* dir, Visit visit) {
  DIR* stream = ::opendir(dir);
  if (stream == nullptr) return;
  while (const struct dirent* entry = ::readdir(stream)) {
    if (entry->d_name[0] != '.') visit(std::string(dir) + "/" + entry->d_name);
  }
  ::closedir(stream);
}

}  // namespace

// CVE-2019-5736: open the runtime's program through /proc and write to it. Our own program is not
// the runtime's.
int runtime_binary(int /*count*/, char** /*arguments*/) {
  const std::string own = "/proc/" + std::to_string(::getpid());
  each_entry("/proc", [&](const std::string& path) {
    if (path == own || path.find_first_of("0123456789") == std::string::npos) return;
    const std::string exe = path + "/exe";
    for (const int flags : {O_RDONLY, O_PATH, O_WRONLY, O_RDWR}) {
      const int fd = ::open(exe.c_str(), flags);
      if (fd < 0) continue;
      char target[256]{};
      (void)!::readlink(exe.c_str(), target, sizeof(target) - 1);
      // The shell that started us is the stage's own.
      if (std::strncmp(target, "/bin/", 5) != 0)
        std::printf("%s: ALLOWED %s\n", exe.c_str(), target);
      ::close(fd);
    }
  });
  for (const char* path : {"/proc/1/exe", "/proc/1/map_files", "/proc/1/task/1/exe"})
    tell(path, ::open(path, O_RDONLY));
  return 0;
}

// CVE-2024-21626 and kin: anything but 0, 1 and 2 that is open leads out.
int escape_by_descriptor(int /*count*/, char** /*arguments*/) {
  for (int fd = 3; fd < 4096; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0) continue;
    std::printf("descriptor %d: ALLOWED\n", fd);
  }
  struct stat root{};
  struct stat up{};
  (void)::stat("/", &root);
  (void)::chdir("/");
  for (int i = 0; i < 64; ++i) (void)::chdir("..");
  (void)::stat(".", &up);
  tell("up from the root", root.st_ino == up.st_ino && root.st_dev == up.st_dev ? -1 : 0);
  tell("chroot", ::chroot("/tmp"));
  return 0;
}

// Swaps two names as fast as it can for some seconds, by one atomic call.
int exchange_forever(int count, char** arguments) {
  if (count != 3) return 2;
  const std::time_t end = std::time(nullptr) + std::atoi(arguments[2]);
  long swaps = 0;
  while (std::time(nullptr) < end) {
    for (int i = 0; i < 1000; ++i) {
      if (::renameat2(AT_FDCWD, arguments[0], AT_FDCWD, arguments[1], RENAME_EXCHANGE) == 0)
        ++swaps;
    }
  }
  std::printf("swaps %s\n", swaps > 0 ? "done" : std::strerror(errno));
  return 0;
}

// Each argument is a file that must not be writable. What is masked is the null device.
int write_files(int count, char** arguments) {
  for (int i = 0; i < count; ++i) {
    const int fd = ::open(arguments[i], O_WRONLY);
    struct stat status{};
    const bool masked = fd >= 0 && ::fstat(fd, &status) == 0 && S_ISCHR(status.st_mode) &&
                        status.st_rdev == makedev(1, 3);
    if (masked) errno = ENODEV;
    tell(arguments[i], fd < 0 || masked ? -1 : ::write(fd, "1\n", 2));
    if (fd >= 0) ::close(fd);
  }
  return 0;
}

// FILE DIRECTORY: whoever opens a file with a lease waits for its holder; a directory with a notice
// tells what others do in it.
int lease_files(int count, char** arguments) {
  if (count != 2) return 2;
  const int file = ::open(arguments[0], O_RDONLY | O_CLOEXEC);
  const int directory = ::open(arguments[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0 || directory < 0) return 2;
  const auto try_fcntl = [](const char* name, int fd, unsigned long request, long argument) {
    const long result = ::syscall(SYS_fcntl, fd, request, argument);
    tell(name, result < 0 && errno == EPERM ? -1 : 0);
  };
  constexpr unsigned long kHigh = 1UL << 32;
  try_fcntl("write lease", file, F_SETLEASE, F_WRLCK);
  try_fcntl("read lease", file, F_SETLEASE, F_RDLCK);
  try_fcntl("write lease with a high bit", file, F_SETLEASE | kHigh, F_WRLCK);
  try_fcntl("write lease with all high bits", file, F_SETLEASE | ~0UL << 32, F_WRLCK);
  try_fcntl("notice", directory, F_NOTIFY, DN_ACCESS | DN_MULTISHOT);
  return 0;
}

}  // namespace attack
