/* Between clone and exec. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "floor.h"

static void become_root(void) {
  check(syscall(SYS_setresgid, 0, 0, 0), "setresgid");
  check(syscall(SYS_setgroups, 0, NULL), "setgroups");
  check(syscall(SYS_setresuid, 0, 0, 0), "setresuid");
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

static void new_clocks(void) {
  char text[128];
  struct timespec monotonic;
  struct timespec boot;
  check(unshare(CLONE_NEWTIME), "make a time namespace");
  clock_gettime(CLOCK_MONOTONIC, &monotonic);
  clock_gettime(CLOCK_BOOTTIME, &boot);
  snprintf(text, sizeof(text), "monotonic -%ld 0\nboottime -%ld 0\n", (long)monotonic.tv_sec, (long)boot.tv_sec);
  write_file_at(AT_FDCWD, "/proc/self/timens_offsets", text);
}

static void mount_root(const struct child *child) {
  check(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), "make mounts private");
  check(move_mount(child->layer, "", AT_FDCWD, "lower", MOVE_MOUNT_F_EMPTY_PATH), "attach the layer");
  check(mount("overlay", "root", "overlay", MS_NODEV | MS_NOSUID,
              "lowerdir=lower,upperdir=upper,workdir=work,userxattr,volatile"), "mount the overlay");
}

static void touch(const char *path) { close(check(open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0644), path)); }

static void make_dev(void) {
  static const char *const nodes[] = {"null", "zero", "full", "random", "urandom", "tty"};
  check(mkdir("dev", 0755), "mkdir dev");
  check(mount("dev", "dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755,size=64k,nr_inodes=64"), "mount dev");
  check(mkdir("dev/pts", 0755), "mkdir dev/pts");
  check(mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620"), "mount devpts");
  check(mkdir("dev/shm", 0755), "mkdir dev/shm");
  check(mount("shm", "dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777,size=64m,nr_inodes=16384"), "mount shm");
  for (size_t i = 0; i < sizeof(nodes) / sizeof(*nodes); ++i) {
    char host[32];
    snprintf(host, sizeof(host), "/dev/%s", nodes[i]);
    touch(host + 1);
    check(mount(host, host + 1, NULL, MS_BIND, NULL), host);
  }
  check(symlink("pts/ptmx", "dev/ptmx"), "ptmx");
  check(symlink("/proc/self/fd", "dev/fd"), "fd");
  check(symlink("/proc/self/fd/0", "dev/stdin"), "stdin");
  check(symlink("/proc/self/fd/1", "dev/stdout"), "stdout");
  check(symlink("/proc/self/fd/2", "dev/stderr"), "stderr");
}

static void cover(const char *path) {
  struct stat status;
  if (stat(path, &status) != 0) return;
  if (S_ISDIR(status.st_mode))
    check(mount("none", path, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=0k,nr_inodes=2"), path);
  else
    check(mount("/dev/null", path, NULL, MS_BIND, NULL), path);
}

static void make_proc(void) {
  static const char *const masked[] = {"kcore", "keys", "key-users", "kmsg", "kallsyms", "latency_stats", "sched_debug",
                                       "timer_list", "sysrq-trigger", "interrupts", "acpi", "scsi", "bus", "irq"};
  check(mkdir("proc", 0755), "mkdir proc");
  check(mount("proc", "proc", "proc", MS_NOSUID | MS_NOEXEC | MS_NODEV | MS_RDONLY, "hidepid=2"), "mount proc");
  for (size_t i = 0; i < sizeof(masked) / sizeof(*masked); ++i) {
    char path[64];
    snprintf(path, sizeof(path), "proc/%s", masked[i]);
    cover(path);
  }
}

static void bind_scratch(const char *source, const char *target) {
  const int mount = check(open_tree(AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC), source);
  struct mount_attr attributes = {.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV};
  check(mount_setattr(mount, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)), source);
  check(move_mount(mount, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH), target);
  close(mount);
}

static void furnish(void) {
  make_dev();
  make_proc();
  bind_scratch("../tmp", "tmp");
  check(mkdir("workspace", 0755), "mkdir workspace");
  bind_scratch("../workspace", "workspace");
  const int hosts = check(open("etc/hosts", O_WRONLY | O_CREAT | O_CLOEXEC, 0644), "etc/hosts");
  if (write(hosts, "127.0.0.1 localhost\n", 20) != 20) die("etc/hosts");
  close(hosts);
}

static void set_up_names(void) {
  struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
  const int socket_fd = check(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "make a socket");
  check(ioctl(socket_fd, SIOCSIFFLAGS, &request), "bring loopback up");
  close(socket_fd);
  check(sethostname("stage", 5), "set the host name");
}

static void enter_root(void) {
  check(syscall(SYS_pivot_root, ".", "."), "pivot_root");
  check(umount2(".", MNT_DETACH), "let go of the old root");
  check(chdir("/"), "enter the root");
}

static void restrict_files(void) {
  const long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (abi < 2) return;
  uint64_t ruleset[3] = {(1U << 14) - 1, 0, abi >= 6 ? 3 : 0};
  if (abi >= 3) ruleset[0] |= 1U << 14;
  if (abi >= 5) ruleset[0] |= 1U << 15;
  const int fd = check(syscall(SYS_landlock_create_ruleset, ruleset, abi >= 6 ? 24 : 8, 0), "landlock");
  struct landlock_path_beneath_attr rule = {ruleset[0], check(open("/", O_PATH | O_CLOEXEC), "/")};
  check(syscall(SYS_landlock_add_rule, fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0), "landlock rule");
  check(syscall(SYS_landlock_restrict_self, fd, 0), "landlock_restrict_self");
  close(rule.parent_fd);
  close(fd);
}

static void drop_capabilities(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct none[2] = {0};
  for (unsigned long capability = 0; prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0; ++capability) {
  }
  check(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED, 0, 0, 0), "set securebits");
  check(syscall(SYS_capset, &header, none), "drop capabilities");
}

static _Noreturn void become_stage(const struct child *child) {
  const struct sock_fprog filter = {child->floor->filter_length, child->floor->filter};
  const struct rlimit files = {1024, 1024};
  const struct rlimit core = {0, 0};
  static char *const arguments[] = {"true", NULL};
  static char *const environment[] = {"PATH=/bin", NULL};
  setsid();
  dup2(child->output, 1);
  const int errors = fcntl(2, F_DUPFD_CLOEXEC, 3);
  dup2(child->output, 2);
  check(setrlimit(RLIMIT_NOFILE, &files), "limit files");
  check(setrlimit(RLIMIT_CORE, &core), "limit cores");
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  restrict_files();
  drop_capabilities();
  check(syscall(SYS_close_range, 3, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */), "close the rest");
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0) execve("/bin/true", arguments, environment);
  dprintf(errors, "floor: load the filter and execute: %s\n", strerror(errno));
  _exit(1);
}

/* Pid 1: reaps what there is until the one that counts has ended. */
static _Noreturn void reap(pid_t stage, int exit_fd) {
  int status = 0;
  for (pid_t pid = 0; pid != stage;) {
    pid = wait(&status);
    if (pid < 0 && errno != EINTR) _exit(1);
  }
  _exit(write(exit_fd, &status, sizeof(status)) == sizeof(status) ? 0 : 1);
}

void child_main(const struct child *child) {
  char go;
  if (read(child->go, &go, 1) != 1) _exit(1);
  /* Now that the cgroups are joined, which become its root. */
  check(unshare(CLONE_NEWCGROUP), "make a cgroup namespace");
  if (child->floor->kind == kFull) new_clocks();
  become_root();
  mount_root(child);
  check(chdir("root"), "enter the overlay");
  if (child->floor->kind == kFull) furnish();
  set_up_names();
  enter_root();
  if (child->floor->kind == kBare) become_stage(child);
  const pid_t stage = check(fork(), "fork");
  if (stage == 0) become_stage(child);
  close(child->output);
  reap(stage, child->exit);
}
