// The bottom layer: the directories that mounts stand on, and the files that are written, for
// images that lack them. It lies in the staging tmpfs, below all layers of the image, so what the
// image has there is what counts. Made in the overlay instead, each would be an inode on the disk,
// and one more to remove after the sandbox.
#pragma once

#include <optional>
#include <string>

#include "sandbox/plan/plan_writer.h"
#include "sandbox/spec/sandbox_spec.h"

namespace stagebox::sandbox {

/// The name of the layer in staging.
inline constexpr const char* kBottomLayer = "b";

/// What is written to the sandbox's /etc/hosts; none if the image's stays.
std::optional<std::string> hosts_file_of(const SandboxSpec& spec);

/// Makes the layer; after kMountStaging.
void plan_bottom_layer(const SandboxSpec& spec, PlanWriter& plan);

}  // namespace stagebox::sandbox
