/* The floor: what a sandbox costs when nothing is done but the system calls that it takes, by a
 * program that is small, has one thread, checks nothing it need not check, and knows beforehand
 * what it will run. Not a sandbox to be used. */
#ifndef STAGEBOX_BENCH_FLOOR_H
#define STAGEBOX_BENCH_FLOOR_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { kMostCgroups = 16, kIds = 65536, kFirstId = 0x6fff0000 };

enum floor_kind {
  kFull, /* Everything that a stage of Stagebox gets. */
  kBare  /* Namespaces, overlay, cgroups, filter and walls: no /dev, no masks, no hosts file, no pid
            1 of its own. */
};

struct floor {
  enum floor_kind kind;
  const char* layer;
  const char* scratch;               /* Absolute; a directory per sandbox is made in it. */
  const char* cgroups[kMostCgroups]; /* Directories of this process's own, one per hierarchy. */
  size_t cgroup_count;
  struct sock_filter* filter;
  unsigned short filter_length;
  int ids; /* User namespace with the mapping of all sandboxes. */
};

/* What the child needs, all of it made before the clone. */
struct child {
  const struct floor* floor;
  int layer, scratch, go, output, exit;
};

/* Both end the process with a message. */
_Noreturn void die(const char* what);
int check(long result, const char* what);

/* Runs `true` in a new sandbox until nothing of it is left. */
void run_sandbox(const struct floor* floor, const char* name);
/* A user namespace that nothing lives in. */
int make_id_mapping(void);
void write_id_maps(pid_t pid);
void write_file_at(int dir, const char* name, const char* text);

/* Of the sandbox `name`: made with limits; what is to be written to is opened. */
struct cgroups {
  int v2;
  int v1[kMostCgroups];
  size_t v1_count;
};
void make_cgroups(const struct floor* floor, const char* name, struct cgroups* made);
void read_usage(const struct floor* floor, const char* name);
void remove_cgroups(const struct floor* floor, const char* name);
void make_own_cgroups(struct floor* floor);
void remove_own_cgroups(const struct floor* floor);

/* Pid 1 of the sandbox. */
_Noreturn void child_main(const struct child* child);

#endif
