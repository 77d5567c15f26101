// SandboxSpec: everything that decides what a sandbox is, as a value. Making one needs no privilege
// and touches nothing; carrying it out is Sandbox's business. Descriptors are referred to by
// position in SandboxResources.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sandbox/limits.h"
#include "sandbox/seccomp_program.h"

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
};

struct InputMount {
  enum class Mode {
    kReadOnly,
    kOverlay,  ///< A private copy-on-write view; directories only.
  };
  enum class Kind { kDirectory, kFile };
  std::string target;      ///< Path in the root without a leading slash.
  std::size_t source = 0;  ///< Index into SandboxResources::inputs.
  Mode mode = Mode::kReadOnly;
  Kind kind = Kind::kDirectory;
};

/// A socket that listens on 127.0.0.1 inside and is handed to the supervisor, who may let a proxy
/// accept on it (sandbox/network). The sandbox has no other way out of its network namespace.
struct ProxyListener {
  std::uint16_t port = 0;
};

struct Rlimit {
  int resource = 0;  ///< RLIMIT_*
  std::uint64_t value = 0;
};

struct SandboxSpec {
  Command command;
  User user;
  std::string hostname = "stagebox";
  std::size_t layers = 1;  ///< How many layers SandboxResources brings.
  /// Where the workspace of the scratch directory is mounted, without a leading slash; empty:
  /// nowhere.
  std::string workspace;
  std::vector<InputMount> inputs;
  std::optional<ProxyListener> proxy;  ///< None: nothing but loopback.
  std::vector<Rlimit> rlimits;
  std::uint64_t capabilities = 0;  ///< Bit set kept inside the user namespace; 0 unless declared.
  std::shared_ptr<const SeccompProgram> seccomp;  ///< Never null when a sandbox is started.
  Limits limits;
  /// False where the user namespace has a single id: the kernel forbids setgroups there.
  enum class Groups { kSettable, kFixed } groups = Groups::kSettable;
};

}  // namespace stagebox::sandbox
