#include "floor.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void die(const char *what) {
  dprintf(STDERR_FILENO, "floor: %s: %s\n", what, strerror(errno));
  _exit(1);
}

int check(long result, const char *what) {
  if (result < 0) die(what);
  return (int)result;
}

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000U + (uint64_t)time.tv_nsec;
}

static void load_filter(struct floor *floor, const char *path) {
  struct stat status;
  const int file = check(open(path, O_RDONLY | O_CLOEXEC), "open the filter");
  check(fstat(file, &status), "look at the filter");
  floor->filter = malloc((size_t)status.st_size);
  if (floor->filter == NULL || read(file, floor->filter, (size_t)status.st_size) != status.st_size) die("read the filter");
  floor->filter_length = (unsigned short)((size_t)status.st_size / sizeof(struct sock_filter));
  close(file);
}

/* One of several processes, each with every `jobs`-th sandbox. */
static void work(const struct floor *floor, long first, long count, long jobs, uint64_t *nanoseconds) {
  char name[32];
  for (long i = first; i < count; i += jobs) {
    snprintf(name, sizeof(name), "s%ld", i);
    const uint64_t start = now();
    run_sandbox(floor, name);
    nanoseconds[i] = now() - start;
  }
}

static void run_all(const struct floor *floor, long count, long jobs) {
  uint64_t *nanoseconds =
      mmap(NULL, (size_t)count * sizeof(*nanoseconds), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (nanoseconds == MAP_FAILED) die("map memory");
  const uint64_t start = now();
  if (jobs == 1) work(floor, 0, count, 1, nanoseconds);
  for (long job = 0; jobs > 1 && job < jobs; ++job) {
    const pid_t pid = check(fork(), "fork");
    if (pid > 0) continue;
    work(floor, job, count, jobs, nanoseconds);
    _exit(0);
  }
  for (int status; wait(&status) > 0;) {
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) _exit(1);
  }
  const uint64_t wall = now() - start;
  for (long i = 0; i < count; ++i) printf("%llu\n", (unsigned long long)nanoseconds[i]);
  printf("wall %llu\n", (unsigned long long)wall);
}

int main(int argc, char **argv) {
  struct floor floor = {0};
  const char *filter = NULL;
  long count = 1;
  long jobs = 1;
  for (int option; (option = getopt(argc, argv, "l:s:f:g:n:j:b")) != -1;) {
    switch (option) {
      case 'l': floor.layer = optarg; break;
      case 's': floor.scratch = optarg; break;
      case 'f': filter = optarg; break;
      case 'n': count = atol(optarg); break;
      case 'j': jobs = atol(optarg); break;
      case 'b': floor.kind = kBare; break;
      case 'g':
        if (floor.cgroup_count < kMostCgroups) floor.cgroups[floor.cgroup_count++] = optarg;
        break;
      default: return 2;
    }
  }
  if (floor.layer == NULL || floor.scratch == NULL || filter == NULL || count < 1 || jobs < 1) {
    dprintf(STDERR_FILENO, "usage: floor -l LAYER -s SCRATCH -f FILTER [-g CGROUP]... [-n COUNT] [-j JOBS] [-b]\n");
    return 2;
  }
  load_filter(&floor, filter);
  floor.ids = make_id_mapping();
  make_own_cgroups(&floor);
  run_all(&floor, count, jobs);
  remove_own_cgroups(&floor);
  return 0;
}
