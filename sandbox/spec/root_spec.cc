#include "sandbox/spec/root_spec.h"

#include <linux/mount.h>

#include <algorithm>

namespace stagebox::sandbox {

std::uint64_t tmpfs_inodes(std::uint64_t bytes) {
  constexpr std::uint64_t kBytesPerFile = 4096;
  return std::max<std::uint64_t>(bytes / kBytesPerFile, 16);
}

std::vector<Mount> standard_mounts() {
  constexpr std::uint64_t kNoSuidNoExec = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
  using Type = Mount::Type;
  // The devices in it are mounts of their own.
  return {
      {Type::kTmpfs, "dev", kNoSuidNoExec | MOUNT_ATTR_NODEV, "mode=0755,size=64k,nr_inodes=64"},
      {Type::kDevpts, "dev/pts", kNoSuidNoExec, "newinstance,ptmxmode=0666,mode=0620"},
      {Type::kTmpfs, "dev/shm", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
       "mode=1777,size=64m,nr_inodes=16384"},
      {Type::kMqueue, "dev/mqueue", kNoSuidNoExec | MOUNT_ATTR_NODEV, ""},
      // Read-only: no kernel setting can be written through it, whatever ids and namespaces
      // allow.
      {Type::kProc, "proc", kNoSuidNoExec | MOUNT_ATTR_NODEV | MOUNT_ATTR_RDONLY}};
}

std::vector<Device> standard_devices() {
  std::vector<Device> devices;
  for (const char* name : {"null", "zero", "full", "random", "urandom", "tty"})
    devices.push_back({std::string("dev/") + name, std::string("/dev/") + name});
  return devices;
}

std::vector<Link> standard_links() {
  return {{"dev/ptmx", "pts/ptmx"},
          {"dev/fd", "/proc/self/fd"},
          {"dev/stdin", "/proc/self/fd/0"},
          {"dev/stdout", "/proc/self/fd/1"},
          {"dev/stderr", "/proc/self/fd/2"}};
}

std::vector<std::string> standard_masked_paths() {
  return {"proc/kcore",       "proc/keys",       "proc/key-users",
          "proc/kmsg",        "proc/kallsyms",   "proc/latency_stats",
          "proc/sched_debug", "proc/timer_list", "proc/sysrq-trigger",
          "proc/interrupts",  "proc/acpi",       "proc/scsi",
          "proc/bus",         "proc/irq"};
}

}  // namespace stagebox::sandbox
