// Other processes: looking into them, stopping them, outliving the sandbox.
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <string>

#include "tests/kernel/escape/attack/attack.h"

namespace attack {
namespace {

void look_into(const char* pid) {
  for (const char* file : {"exe", "root", "cwd", "environ", "mem", "maps", "fd", "ns/user",
                           "ns/mnt", "auxv", "stack", "syscall", "attr/current"}) {
    const std::string path = std::string("/proc/") + pid + "/" + file;
    const int fd = ::open(path.c_str(), O_RDONLY);
    tell(path.c_str(), fd);
    if (fd >= 0) ::close(fd);
  }
}

void* sleep_forever(void* /*nothing*/) {
  for (;;) (void)::pause();
}

}  // namespace

// pid 1 is a clone of Stagebox's own process.
int other_processes(int /*count*/, char** /*arguments*/) {
  look_into("1");
  tell("ptrace(SEIZE, 1)", ::ptrace(PTRACE_SEIZE, 1, nullptr, nullptr));
  tell("ptrace(ATTACH, 1)", ::ptrace(PTRACE_ATTACH, 1, nullptr, nullptr));
  char byte = 0;
  struct iovec local{&byte, 1};
  struct iovec remote{reinterpret_cast<void*>(&byte), 1};
  tell("process_vm_readv", ::process_vm_readv(1, &local, 1, &remote, 1, 0));
  tell("process_vm_writev", ::process_vm_writev(1, &local, 1, &remote, 1, 0));
  const long pidfd = ::syscall(SYS_pidfd_open, 1, 0);
  tell("pidfd_getfd", ::syscall(SYS_pidfd_getfd, pidfd, 0, 0));
  const struct rlimit none{0, 0};
  tell("prlimit(1)", ::prlimit(static_cast<pid_t>(1), RLIMIT_CPU, &none, nullptr));
  // A signal that nobody handles does not reach the init of a pid namespace.
  (void)::kill(1, SIGKILL);
  (void)::kill(1, SIGSTOP);
  std::printf("pid 1 lives: %d\n", ::syscall(SYS_pidfd_open, 1, 0) >= 0 ? 1 : 0);
  return 0;
}

// Signal 0 asks whether another one might be sent.
int signal_init(int /*count*/, char** /*arguments*/) {
  for (const int signal : {0, SIGTERM, SIGCHLD}) tell("signal pid 1", ::kill(1, signal));
  tell("tgkill of pid 1", ::syscall(SYS_tgkill, 1, 1, 0));
  const long pidfd = ::syscall(SYS_pidfd_open, 1, 0);
  tell("pidfd_send_signal", ::syscall(SYS_pidfd_send_signal, pidfd, 0, nullptr, 0));
  return 0;
}

int thread_bomb(int /*count*/, char** /*arguments*/) {
  for (;;) {
    pthread_t thread{};
    pthread_attr_t attributes;
    (void)::pthread_attr_init(&attributes);
    (void)::pthread_attr_setstacksize(&attributes, std::size_t{32} << 10);
    if (::pthread_create(&thread, &attributes, sleep_forever, nullptr) != 0) (void)::sched_yield();
  }
}

// Sessions of their own, double forks, every signal ignored, a name that says who they are.
int daemons(int count, char** arguments) {
  if (count != 1) return 2;
  for (int i = 0; i < 8; ++i) {
    if (::fork() != 0) continue;
    (void)::setsid();
    if (::fork() != 0) ::_exit(0);
    for (int signal = 1; signal < 65; ++signal) (void)::signal(signal, SIG_IGN);
    for (int fd = 0; fd < 3; ++fd) ::close(fd);
    ::execl("/proc/self/exe", arguments[0], "sleeper", nullptr);
    ::_exit(1);
  }
  return 0;
}

int sleeper(int /*count*/, char** /*arguments*/) {
  sleep_forever(nullptr);
  return 0;
}

int crash(int /*count*/, char** /*arguments*/) {
  // The hard limit is what counts: a stage must not be able to raise it.
  struct rlimit limit{RLIM_INFINITY, RLIM_INFINITY};
  tell("raise RLIMIT_CORE", ::setrlimit(RLIMIT_CORE, &limit));
  (void)std::fflush(stdout);
  std::abort();
}

}  // namespace attack
