// What a process in a sandbox is: command, identity, rights and limits of its own. As values; the
// same for the first process of a sandbox and for those that are added to it later.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace stagebox::sandbox {

struct Command {
  std::vector<std::string>
      argv;  ///< Not empty; argv[0] without a slash is looked up in the environment's PATH.
  std::map<std::string, std::string> environment;
  std::string workdir = "/";  ///< Absolute, in the sandbox.
};

/// Ids inside the sandbox.
struct User {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
  mode_t umask = 0022;
};

/// Bit sets of capabilities(7), all of the sandbox's own user namespace. None unless declared.
struct CapabilitySets {
  std::uint64_t bounding = 0;
  std::uint64_t permitted = 0;
  std::uint64_t effective = 0;    ///< Part of permitted.
  std::uint64_t inheritable = 0;  ///< Part of bounding.
  std::uint64_t ambient = 0;      ///< Part of permitted and of inheritable.

  /// These alone, from the first program on, and nothing that a later one would inherit.
  static CapabilitySets kept(std::uint64_t bits) { return {bits, bits, bits}; }
  [[nodiscard]] bool none() const {
    return (bounding | permitted | effective | inheritable | ambient) == 0;
  }
};

struct Rlimit {
  int resource = 0;  ///< RLIMIT_*
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
};

/// What set-user-id bits and file capabilities of the image's programs are worth. A weakening: it
/// gives up no_new_privs. Whatever they give is of the sandbox's user namespace.
enum class SetIdPrograms { kPowerless, kHonoured };

/// What the process says it is (personality(2)).
enum class Personality { kNative, kLinux32 };

/// sched_setattr(2); times in nanoseconds, for SCHED_DEADLINE.
struct CpuScheduling {
  std::uint32_t policy = 0;  ///< SCHED_*
  std::uint64_t flags = 0;   ///< SCHED_FLAG_*
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0;
  std::uint64_t deadline = 0;
  std::uint64_t period = 0;
};

/// ioprio_set(2).
struct IoPriority {
  enum class Class : std::uint8_t { kRealTime = 1, kBestEffort = 2, kIdle = 3 };
  Class level_class = Class::kBestEffort;
  unsigned level = 4;  ///< 0 (first) to 7
};

/// set_mempolicy(2).
struct MemoryPolicy {
  unsigned mode = 0;  ///< MPOL_*, with MPOL_F_*.
  std::string nodes;  ///< "0-3,7"; empty: none.
};

/// What the machine's security modules are to hold the process to, besides everything else. Refused
/// where there is no such module, and for processes that are added: those get their sandbox's.
struct SecurityLabels {
  std::string apparmor_profile;
  std::string selinux_label;

  [[nodiscard]] bool none() const { return apparmor_profile.empty() && selinux_label.empty(); }
};

/// A pseudo terminal of the sandbox's own devpts as standard input and output and as controlling
/// terminal.
struct Terminal {
  std::uint16_t rows = 24;
  std::uint16_t columns = 80;
};

struct ProcessSpec {
  Command command;
  User user;
  std::vector<Rlimit> rlimits;
  CapabilitySets capabilities;
  SetIdPrograms set_id_programs = SetIdPrograms::kPowerless;
  Personality personality = Personality::kNative;
  std::optional<CpuScheduling> scheduling;
  std::optional<IoPriority> io_priority;
  std::optional<MemoryPolicy> memory_policy;
  std::string added_cpus;  ///< "0-3,7": processors of a process that is added; empty: all it may.
  SecurityLabels labels;
  std::optional<Terminal> terminal;
};

}  // namespace stagebox::sandbox
