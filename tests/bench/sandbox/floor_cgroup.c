/* Cgroups of both versions, with the limits that a stage has by default. */
#include <fcntl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "floor.h"

static void write_where_there(int dir, const char *name, const char *value) {
  const int file = openat(dir, name, O_WRONLY | O_CLOEXEC);
  if (file < 0) return;
  if (write(file, value, strlen(value)) < 0) die(name);
  close(file);
}

static int open_cgroup(const char *parent, const char *name) {
  char path[4096];
  snprintf(path, sizeof(path), "%s/%s", parent, name);
  return check(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), path);
}

static int is_v2(int dir) { return faccessat(dir, "cgroup.controllers", F_OK, 0) == 0; }

/* v1 gives a new cpuset nothing; without both no task can join. */
static void copy_cpuset(const char *parent, int to) {
  static const char *const files[] = {"cpuset.cpus", "cpuset.mems"};
  for (size_t i = 0; strstr(parent, "/cpuset") != NULL && i < 2; ++i) {
    char path[4096];
    char value[256] = "";
    snprintf(path, sizeof(path), "%s/%s", parent, files[i]);
    const int file = check(open(path, O_RDONLY | O_CLOEXEC), path);
    if (read(file, value, sizeof(value) - 1) < 0) die(path);
    close(file);
    write_where_there(to, files[i], value);
  }
}

/* A directory of our own below each, which is what Stagebox has too. */
void make_own_cgroups(struct floor *floor) {
  for (size_t i = 0; i < floor->cgroup_count; ++i) {
    char path[4096];
    snprintf(path, sizeof(path), "%s/floor-%d", floor->cgroups[i], (int)getpid());
    check(mkdir(path, 0755), path);
    const int parent = check(open(floor->cgroups[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open a cgroup");
    const int own = check(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open a cgroup");
    if (is_v2(own)) {
      /* Where it is not delegated there are no limits: then it is cheaper than ours. */
      for (int level = 0; level < 2; ++level) {
        const int file = openat(level == 0 ? parent : own, "cgroup.subtree_control", O_WRONLY | O_CLOEXEC);
        if (file >= 0 && write(file, "+memory +pids +cpu", 18) < 0 && errno != ENOENT && errno != EBUSY) die("delegate");
        close(file);
      }
    }
    copy_cpuset(floor->cgroups[i], own);
    close(parent);
    close(own);
    floor->cgroups[i] = strdup(path);
  }
}

void remove_own_cgroups(const struct floor *floor) {
  for (size_t i = 0; i < floor->cgroup_count; ++i) check(rmdir(floor->cgroups[i]), "remove a cgroup");
}

void make_cgroups(const struct floor *floor, const char *name, struct cgroups *made) {
  made->v2 = -1;
  made->v1_count = 0;
  for (size_t i = 0; i < floor->cgroup_count; ++i) {
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", floor->cgroups[i], name);
    check(mkdir(path, 0755), path);
    const int dir = check(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), path);
    copy_cpuset(floor->cgroups[i], dir);
    write_where_there(dir, "pids.max", "4096");
    if (is_v2(dir)) {
      write_where_there(dir, "memory.max", "1073741824");
      write_where_there(dir, "memory.oom.group", "1");
      write_where_there(dir, "memory.swap.max", "0");
      made->v2 = dir;
      continue;
    }
    write_where_there(dir, "memory.limit_in_bytes", "1073741824");
    write_where_there(dir, "memory.swappiness", "0");
    made->v1[made->v1_count++] = check(openat(dir, "tasks", O_WRONLY | O_CLOEXEC), "open tasks");
    close(dir);
  }
}

static void read_where_there(int dir, const char *name) {
  char text[4096];
  const int file = openat(dir, name, O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  if (read(file, text, sizeof(text)) < 0) die(name);
  close(file);
}

/* What a report says: the text is not even looked at. */
void read_usage(const struct floor *floor, const char *name) {
  static const char *const files[] = {"cpu.stat", "cpuacct.usage", "memory.peak", "memory.events",
                                      "memory.max_usage_in_bytes", "memory.oom_control", "pids.events"};
  for (size_t i = 0; i < floor->cgroup_count; ++i) {
    const int dir = open_cgroup(floor->cgroups[i], name);
    for (size_t k = 0; k < sizeof(files) / sizeof(*files); ++k) read_where_there(dir, files[k]);
    close(dir);
  }
}

void remove_cgroups(const struct floor *floor, const char *name) {
  for (size_t i = 0; i < floor->cgroup_count; ++i) {
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", floor->cgroups[i], name);
    for (int attempt = 0; rmdir(path) != 0; ++attempt) {
      const struct timespec pause = {0, 200000};
      if (errno != EBUSY || attempt == 10000) die(path);
      nanosleep(&pause, NULL);
    }
  }
}
