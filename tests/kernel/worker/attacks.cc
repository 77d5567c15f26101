// What a worker would do that a layer has taken over.
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "tests/kernel/worker/worker_fixture.h"

namespace stagebox::testing {
namespace {

// Descriptors as they are handed over: archive, layer, parent.
constexpr std::size_t kArchive = 0;
constexpr std::size_t kLayer = 1;
constexpr std::size_t kParent = 2;

class Attacker {
 public:
  explicit Attacker(const sandbox::WorkerInput& input) : input_(input) {}

  std::string run() {
    files();
    beneath();
    parents();
    processes();
    network();
    powers();
    return found_;
  }

 private:
  void could(bool done, const std::string& what) {
    if (done) found_ += what + "\n";
  }
  [[nodiscard]] int fd(std::size_t index) const { return input_.fds[index].get(); }

  void files() {
    for (const char* path :
         {"/etc/passwd", "/proc/self/maps", "/proc", "/dev/null", "/tmp", "/run"}) {
      could(::openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC) >= 0, std::string("open ") + path);
    }
    could(::openat(AT_FDCWD, "/file", O_WRONLY | O_CREAT, 0600) >= 0, "create a file in its root");
    could(::mkdirat(AT_FDCWD, "directory", 0700) == 0, "make a directory in its root");
    could(::getenv("STAGEBOX_TEST_SECRET") != nullptr, "see the environment");
    could(::pwrite(fd(kArchive), "x", 1, 0) == 1, "write to the archive");
    std::size_t open = 0;
    for (int i = 3; i < 1024; ++i) open += ::fcntl(i, F_GETFD) >= 0 ? 1U : 0U;
    could(open > input_.fds.size() + 1, "see descriptors that are not its own");
  }

  // Upwards from a directory it has.
  void beneath() {
    for (const std::size_t index : {kLayer, kParent}) {
      struct stat here{};
      struct stat above{};
      (void)::fstat(fd(index), &here);
      const int up = ::openat(fd(index), "../../../..", O_PATH | O_DIRECTORY | O_CLOEXEC);
      could(up >= 0 && ::fstat(up, &above) == 0 &&
                (above.st_ino != here.st_ino || above.st_dev != here.st_dev),
            "leave a directory upwards");
      could(::openat(fd(index), "../neighbour", O_RDONLY | O_CLOEXEC) >= 0, "reach another layer");
    }
    could(::symlinkat("/etc/passwd", fd(kLayer), "link") == 0 &&
              ::openat(fd(kLayer), "link", O_RDONLY | O_CLOEXEC) >= 0,
          "follow a link to the host");
    const int file = ::openat(fd(kLayer), "mine", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    could(file < 0, "NOT write to its own layer");
  }

  void parents() {
    could(::openat(fd(kParent), "new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0,
          "create a file in a parent");
    could(::openat(fd(kParent), "file", O_WRONLY | O_CLOEXEC) >= 0,
          "open a parent's file to write");
    could(::unlinkat(fd(kParent), "file", 0) == 0, "remove a parent's file");
    could(::linkat(fd(kParent), "file", fd(kLayer), "hard", 0) == 0, "link a parent's file");
    could(::fchmod(fd(kParent), 0777) == 0, "change a parent's mode");
    could(::openat(fd(kParent), "file", O_RDONLY | O_CLOEXEC) < 0, "NOT read a parent");
  }

  void processes() {
    could(::syscall(SYS_kill, -1, 0) == 0 || ::syscall(SYS_kill, 2, 0) == 0, "signal processes");
    could(::syscall(SYS_getppid) > 0, "see its parent");
    could(::ptrace(PTRACE_ATTACH, 2, nullptr, nullptr) == 0, "trace a process");
    const auto child =
        static_cast<pid_t>(::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, 0));
    if (child == 0) ::_exit(0);
    could(child > 0, "fork");
    std::array<char*, 1> none{nullptr};
    (void)::execve("/bin/sh", none.data(), none.data());
    could(errno != EPERM, "try to execute a program");
  }

  void network() {
    for (const int family : {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK}) {
      could(::socket(family, SOCK_STREAM, 0) >= 0,
            "make a socket of family " + std::to_string(family));
    }
    // Passing a descriptor out.
    struct msghdr message{};
    could(::sendmsg(input_.socket, &message, 0) >= 0, "send a message with descriptors");
  }

  void powers() {
    could(::unshare(CLONE_NEWUSER) == 0, "make a user namespace");
    could(::mount("none", "/", "tmpfs", 0, nullptr) == 0, "mount");
    could(::mknodat(fd(kLayer), "null", S_IFCHR | 0666, makedev(1, 3)) == 0, "make a device");
    could(::setns(fd(kParent), 0) == 0, "enter a namespace");
    could(::syscall(SYS_bpf, 0, nullptr, 0) >= 0 || errno != EPERM, "use bpf");
    could(::syscall(SYS_io_uring_setup, 1, nullptr) >= 0 || errno != EPERM, "use io_uring");
    could(::syscall(SYS_open_by_handle_at, fd(kLayer), nullptr, 0) >= 0 || errno != EPERM,
          "open by handle");
    could(::syscall(SYS_keyctl, 0, 0) >= 0, "use keys");
  }

  const sandbox::WorkerInput& input_;
  std::string found_;
};

}  // namespace

void attack(const sandbox::WorkerInput& input) {
  const std::string found = Attacker(input).run() + "end";
  (void)!::write(input.socket, found.data(), found.size());
}

}  // namespace stagebox::testing
