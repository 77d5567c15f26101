// What a bundle's config.json refers to by path, opened for a sandbox.
#pragma once

#include "runtime/base/result.h"
#include "sandbox/ids/id_map.h"
#include "sandbox/oci/oci_config.h"
#include "sandbox/sandbox.h"

namespace stagebox::sandbox::oci {

/// Puts the root file system, what is bound and the namespaces to be in into `resources`, with the
/// ids of `lease`; says in config.spec.mounts what is a file. `bundle_fd` is the bundle's
/// directory, which whoever runs it trusts as the config. Before ForkServer clones; `lease` has to
/// live as long as the sandbox.
///
/// Ids of the root file system are mapped: its id 0 is the sandbox's root. What is bound follows
/// where the config has no linux.uidMappings, and is as it is on the host where it has (what is
/// nobody's of the sandbox shows as such); its own mapping comes first. An ordinary user cannot map
/// ids of mounts: without "idmap" they are as they are, with it kUnsupported.
base::Result<void> open_bundle(OciConfig& config, int bundle_fd, const HostIds::Lease& lease,
                               SandboxResources& resources);

}  // namespace stagebox::sandbox::oci
