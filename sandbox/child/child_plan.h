// ChildPlan: everything that the code between clone and exec is going to do, as flat data. The
// parent decides and lays it out (sandbox/child_plan_builder); the child walks it from front to
// back and decides nothing. All offsets count from the first byte of the plan and are valid
// wherever it is mapped.
#pragma once

#include <cstddef>
#include <cstdint>

#include "sandbox/child/send_descriptor.h"

namespace stagebox::sandbox::child {

/// What one step does; the comment says what its operands mean. Paths "in staging" are relative to
/// a private tmpfs that is gone once the root is entered; paths "in root" are relative to the new
/// root and are resolved beneath it, without following any link.
enum class StepKind : std::uint16_t {
  // As pid 1, in this order of sections: identity, staging, root, entering it.
  kBecomeNamespaceRoot,  ///< uid and gid 0 of the user namespace; number1: 1 = may call setgroups.
  kNewCgroupNamespace,   ///< The cgroup that was joined becomes "/".
  kWriteOwnProc,         ///< text1: file of the host's /proc that is about this process or its
                         ///< namespaces; text2: content.
  kNewTimeNamespace,     ///< text1: lines for timens_offsets; empty: clocks since boot start at 0.
  kMakeMountsPrivate,    ///< No mount event leaves or enters.
  kMountStaging,         ///< The private tmpfs, on top of /proc; becomes the working directory.
  kMakeStagingDir,       ///< text1: directory in staging, whose parent is there; mode 0755.
  kMakeStagingFile,      ///< text1: new file in staging, mode 0644; text2: content.
  kAttachStaging,        ///< fd: detached mount; text1: directory in staging (created).
  kMountOverlay,         ///< text1: mount point in staging (created); text2: overlayfs options;
                         ///< number1: 1 = set-id bits count.
  kOpenRoot,             ///< text1: mount point in staging that becomes the root.
  kMakeDir,              ///< text1: directory in root, made with its parents; number1: mode.
  kMountTmpfs,           ///< text1: mount point in root; text2: "key=value,..." options; number1:
                         ///< MOUNT_ATTR_*.
  kStageFromRoot,  ///< text1: directory in root (created); text2: directory in staging (created)
                   ///< that is another mount of it. Then comes a kStageTmpfs for what is changed.
  kStageTmpfs,   ///< text1: directory in staging (created); text2: "key=value,..." options. Counts
                 ///< as one of kMountTmpfs.
  kStageUpper,   ///< text1: directory in staging that gets "upper" and "work"; text2: the one whose
                 ///< owner "upper" gets; number1: its mode, number2: 1 = that one's mode.
  kMountProc,    ///< Like kMountTmpfs.
  kMountDevpts,  ///< Like kMountTmpfs.
  kMountMqueue,  ///< Like kMountTmpfs.
  kMountSysfs,   ///< Like kMountTmpfs.
  kMountCgroup,  ///< Like kMountTmpfs; cgroup v2.
  kMaskPath,     ///< text1: path in root, or in proc (number1: 1); missing is fine. A directory is
                 ///< covered by an empty read-only one, all else by the host's null device.
  kReadOnlyPath,     ///< text1, number1: the same; becomes read-only with all below.
  kBindDevice,       ///< text1: file in root (created); text2: path of the device on the host; with
                     ///< number2: 1, its number must be number1.
  kBindStaging,      ///< text1: mount point in root; text2: directory in staging; number1:
                     ///< MOUNT_ATTR_*.
  kAttachRoot,       ///< fd: detached mount of a directory; text1: mount point in root; number1:
                     ///< MOUNT_ATTR_* to be added.
  kAttachRootFile,   ///< The same of a file; text1: file in root (created).
  kOpenTerminal,     ///< Of the sandbox's devpts, for kStdio; number1: rows << 16 | columns;
                     ///< number2: owner, uid << 32 | gid. Its master is reported.
  kBindConsole,      ///< The terminal as /dev/console.
  kSymlink,          ///< text1: link in root; text2: what it says. One that is there stays.
  kWriteFile,        ///< text1: file in root (created or replaced); text2: content. One that
                     ///< has this content already is left alone.
  kLoopbackUp,       ///< The loopback interface of the network namespace.
  kHandOutListener,  ///< fd: unix socket that a socket listening on 127.0.0.1 is sent over;
                     ///< number1: its port.
  kUnreachable,      ///< text1: array of Ipv4Prefix, number1 of them, that no interface leads to.
  kReportTmpfs,      ///< The mounts of all kMountTmpfs are reported, in their order.
  kHandOutNamespaces,  ///< fd: unix socket that the user and then the network namespace are sent
                       ///< over. While the host's /proc is there.
  kSysctl,             ///< text1: path below /proc/sys; text2: value.
  kOpenProc,           ///< For kSecurityLabel. fd: a /proc; -1: one that nobody else sees.
  kSetHostname,        ///< text1.
  kSetDomainname,      ///< text1.
  kMakeRootReadOnly,
  kRootPropagation,  ///< number1: Propagation of sandbox/root_spec.h; number2: 1 = with all below.
  kEnterRoot,        ///< pivot_root; nothing of the host is reachable afterwards.
  kStartStage,       ///< Forks: the child goes on with the next step, pid 1 becomes the reaper.
  kOpenEnteredRoot,  ///< For a process that joined: "/" is the root.
  // As the stage's process.
  kSecurityLabel,     ///< text1: file below /proc; text2: what is written to it. For the next exec.
  kNewSession,        ///< Own session, no controlling terminal, default signal dispositions.
  kStdio,             ///< Descriptors 0, 1 and 2; number1: 1 = the terminal, as controlling one.
  kRlimit,            ///< number1: RLIMIT_*; text1: packed soft and hard limit, 64 bits each.
  kScheduler,         ///< text1: SchedulingAttributes.
  kIoPriority,        ///< number1: as ioprio_set(2) wants it.
  kLinux32,           ///< personality(2)
  kMemoryPolicy,      ///< number1: MPOL_*; text1: mask of nodes, number2 bits; 0: none.
  kAffinity,          ///< text1: mask of processors, number1 bytes.
  kCapabilityBounds,  ///< number1: bit set of the capabilities that stay in the bounding set;
                      ///< number2: 1 = none is kept anywhere, and none can come back.
  kSetUser,           ///< text1: packed gids (number2 of them); number1: uid << 32 | gid.
  kUmask,             ///< number1.
  kDropCapabilities,  ///< text1: packed bit sets that stay: permitted, effective, inheritable,
                      ///< ambient.
  kAwaitStart,        ///< Says that it is ready on the report socket, and waits there for a byte.
  kNoNewPrivileges,
  kWorkdir,   ///< text1: absolute path in the root; no magic link may be part of it.
  kLandlock,  ///< number1: LANDLOCK_ACCESS_FS_*; number2: LANDLOCK_SCOPE_*.
  kSeccomp,   ///< text1: array of sock_filter, number1 of them; number2: 1 = its listener is
              ///< reported.
  kExec,      ///< The plan's argv and environment.
};

/// How many kMountTmpfs a plan may have: all of them are reported with one message.
inline constexpr std::size_t kMaxTmpfs = kMaxDescriptors;

/// struct sched_attr of sched_setattr(2), which libc does not have. In its first version.
struct SchedulingAttributes {
  std::uint32_t size;
  std::uint32_t policy;
  std::uint64_t flags;
  std::int32_t nice;
  std::uint32_t priority;
  std::uint64_t runtime;
  std::uint64_t deadline;
  std::uint64_t period;
};

/// The addresses whose first `bits` bits are those of `address`, in network order.
struct Ipv4Prefix {
  std::uint8_t address[4];
  std::uint8_t bits;
  std::uint8_t reserved[3];
};

/// Operands are used as StepKind says; unused ones are zero.
struct Step {
  StepKind kind;
  std::int16_t fd;      ///< Index into the descriptors that travel with the plan, or -1.
  std::uint32_t text1;  ///< Offset of a NUL-terminated string (or of packed data).
  std::uint32_t text2;
  std::uint32_t reserved;  ///< Always 0; without it there would be padding, and stack bytes in it.
  std::uint64_t number1;
  std::uint64_t number2;
};

/// The first bytes of a plan. `argv` and `environment` are offsets of arrays of string offsets,
/// each array ended by 0.
struct PlanHeader {
  std::uint32_t size;  ///< Bytes of the whole plan.
  std::uint32_t steps;
  std::uint32_t step_count;
  std::uint32_t argv;
  std::uint32_t environment;
  std::uint32_t argc;
  std::uint32_t environment_count;
  std::uint32_t reserved;
};

/// Read access to a mapped plan.
class PlanView {
 public:
  explicit PlanView(const void* base) : base_(static_cast<const char*>(base)) {}
  [[nodiscard]] const PlanHeader& header() const {
    return *reinterpret_cast<const PlanHeader*>(base_);
  }
  [[nodiscard]] const void* base() const { return base_; }
  [[nodiscard]] const Step& step(std::uint32_t index) const {
    return reinterpret_cast<const Step*>(base_ + header().steps)[index];
  }
  [[nodiscard]] const char* text(std::uint32_t offset) const { return base_ + offset; }
  [[nodiscard]] const std::uint32_t* offsets(std::uint32_t offset) const {
    return reinterpret_cast<const std::uint32_t*>(base_ + offset);
  }

 private:
  const char* base_;
};

/// What the child says on the report socket. End of file: exec worked.
struct ChildReport {
  enum class Kind : std::uint32_t {
    kFailed,           ///< A step failed, and the child is gone.
    kOutsideOfCgroup,  ///< The cgroups could not be joined, and the child is gone.
    kListener,         ///< The filter's listener travels along (seccomp_unotify(2)).
    kTerminal,         ///< The master of the stage's terminal travels along.
    kTmpfs,            ///< The mounts of kReportTmpfs travel along.
    kReady,            ///< Set up; the process waits for a byte on this socket before it goes on.
  } kind;
  std::uint32_t step_index;
  std::int32_t error;  ///< errno
};

/// What pid 1 says on the exit pipe when the stage's process has ended.
struct ExitRecord {
  std::int32_t wait_status;   ///< As from wait4(2).
  std::uint32_t processes;    ///< How many processes pid 1 reaped, the stage's own included.
  std::uint64_t user_usec;    ///< CPU time of all reaped processes.
  std::uint64_t system_usec;  ///< The same in the kernel.
  std::uint64_t max_rss_kib;  ///< Largest resident set of a single reaped process.
};

}  // namespace stagebox::sandbox::child
