/* The outside of one sandbox. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "floor.h"

void write_file_at(int dir, const char *name, const char *text) {
  const int file = check(openat(dir, name, O_WRONLY | O_CLOEXEC), name);
  if (write(file, text, strlen(text)) != (ssize_t)strlen(text)) die(name);
  close(file);
}

void write_id_maps(pid_t pid) {
  char path[64];
  char map[64];
  snprintf(map, sizeof(map), "0 %d %d\n", kFirstId, kIds);
  snprintf(path, sizeof(path), "/proc/%d", (int)pid);
  const int proc = check(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), path);
  write_file_at(proc, "uid_map", map);
  write_file_at(proc, "gid_map", map);
  close(proc);
}

int make_id_mapping(void) {
  char path[64];
  int go[2];
  check(pipe2(go, O_CLOEXEC), "make a pipe");
  struct clone_args args = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
  const pid_t pid = check(syscall(SYS_clone3, &args, sizeof(args)), "clone");
  if (pid == 0) {
    char byte;
    close(go[1]);
    _exit(read(go[0], &byte, 1) == 0 ? 0 : 1);
  }
  write_id_maps(pid);
  snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
  const int ids = check(open(path, O_RDONLY | O_CLOEXEC), path);
  close(go[0]);
  close(go[1]);
  waitpid(pid, NULL, 0);
  return ids;
}

static int clone_tree(const char *path, uint64_t set, int ids) {
  const int mount = check(open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC), path);
  struct mount_attr attributes = {.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | set};
  if (ids >= 0) {
    attributes.attr_set |= MOUNT_ATTR_IDMAP;
    attributes.userns_fd = (uint64_t)ids;
  }
  check(mount_setattr(mount, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)), "set the attributes of a mount");
  return mount;
}

static void make_dir(const char *path, mode_t mode) {
  check(mkdir(path, mode), path);
  check(chown(path, kFirstId, kFirstId), path);
}

static void make_scratch(const char *dir) {
  make_dir(dir, 0700);
  check(chdir(dir), dir);
  make_dir("upper", 0755);
  make_dir("work", 0700);
  make_dir("tmp", 01777);
  make_dir("workspace", 0755);
  make_dir("lower", 0700);
  make_dir("root", 0700);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *where) {
  (void)status;
  (void)where;
  return type == FTW_DP ? rmdir(path) : unlink(path);
}

static pid_t clone_child(const struct child *child, const struct cgroups *cgroups, int *pidfd) {
  struct clone_args args = {.exit_signal = SIGCHLD, .pidfd = (uint64_t)(uintptr_t)pidfd};
  args.flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_PIDFD;
  if (cgroups->v2 >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = (uint64_t)cgroups->v2;
  }
  const pid_t pid = check(syscall(SYS_clone3, &args, sizeof(args)), "clone");
  if (pid != 0) return pid;
  /* By itself: another process's move takes a lock that waits for all processors. */
  for (size_t i = 0; i < cgroups->v1_count; ++i) check(write(cgroups->v1[i], "0", 1), "join a cgroup");
  child_main(child);
}

static void read_all(int fd) {
  char buffer[4096];
  for (ssize_t count; (count = read(fd, buffer, sizeof(buffer))) != 0;)
    if (count < 0 && errno != EINTR) die("read the output");
}

void run_sandbox(const struct floor *floor, const char *name) {
  char dir[4096];
  int go[2];
  int output[2];
  int exit_pipe[2];
  int pidfd = -1;
  int status = 0;
  struct cgroups cgroups;
  snprintf(dir, sizeof(dir), "%s/%s", floor->scratch, name);
  make_scratch(dir);
  make_cgroups(floor, name, &cgroups);
  check(pipe2(go, O_CLOEXEC), "make a pipe");
  check(pipe2(output, O_CLOEXEC), "make a pipe");
  check(pipe2(exit_pipe, O_CLOEXEC), "make a pipe");
  const struct child child = {floor,          clone_tree(floor->layer, MOUNT_ATTR_RDONLY, floor->ids),
                              clone_tree(".", 0, -1), go[0], output[1], exit_pipe[1]};
  const pid_t pid = clone_child(&child, &cgroups, &pidfd);
  close(go[0]);
  close(output[1]);
  close(exit_pipe[1]);
  close(child.layer);
  close(child.scratch);
  write_id_maps(pid);
  if (write(go[1], "g", 1) != 1) die("let the child go");
  read_all(output[0]);
  int ended = 0;
  const ssize_t told = read(exit_pipe[0], &ended, sizeof(ended));
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (floor->kind == kFull && told == sizeof(ended)) status = ended;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) die("the sandbox failed");
  for (const int *fd = (const int[]){go[1], output[0], exit_pipe[0], pidfd, cgroups.v2, -1, -2}; *fd != -2; ++fd)
    if (*fd >= 0) close(*fd);
  for (size_t i = 0; i < cgroups.v1_count; ++i) close(cgroups.v1[i]);
  read_usage(floor, name);
  remove_cgroups(floor, name);
  check(chdir("/"), "leave the scratch directory");
  check(nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS), "remove the scratch directory");
}
