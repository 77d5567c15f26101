// What the config.json of an OCI runtime bundle says (runtime-spec, config.md and config-linux.md),
// as a SandboxSpec. Pure: nothing is opened. Whatever a sandbox cannot give is refused by its name,
// and so is every key that nobody here knows: a protection that was asked for is never left out
// without a word. Stricter than asked for it may be: without linux.seccomp the default filter
// holds, and a sandbox has a user namespace of its own though linux.namespaces lists none.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"
#include "sandbox/mounts/detached_mount.h"
#include "sandbox/seccomp/seccomp_profile.h"
#include "sandbox/seccomp/seccomp_rules.h"
#include "sandbox/spec/sandbox_spec.h"

namespace stagebox::sandbox::oci {

/// What SandboxResources::binds has to hold for spec.mounts, in order.
struct BindSource {
  std::string path;  ///< As written: relative to the bundle, or absolute.
  MountDepth depth = MountDepth::kOne;
  /// Which ids of its file system are which in the sandbox.
  struct MappedIds {
    std::optional<IdMappings> mappings;  ///< `inside` is in the file system; none: the sandbox's.
    MountDepth depth = MountDepth::kOne;
  };
  std::optional<MappedIds> mapped = {};  ///< None: see open_bundle.
};

/// What SandboxResources::namespaces has to hold; empty: none.
struct NamespacePaths {
  std::string network;
  std::string ipc;
  std::string uts;
  std::string cgroup;
  std::string time;
};

struct OciConfig {
  /// Without its `seccomp`; `groups` is the caller's to say. Mounts do not say yet whether what is
  /// bound is a file (open_bundle does).
  SandboxSpec spec;
  SeccompRules seccomp;
  std::string root;  ///< As written. The only layer.
  std::vector<BindSource> binds;
  NamespacePaths namespaces;
};

/// kInvalid, naming the key, for what is malformed; kUnsupported, naming it too, for what cannot be
/// had. `machine` is what the conditions of a seccomp profile ask about.
base::Result<OciConfig> parse_oci_config(std::string_view text, const ProfileContext& machine);

}  // namespace stagebox::sandbox::oci
