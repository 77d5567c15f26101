// Recovery: undoes what Stagebox processes left that died without cleaning up, and only that.
#pragma once

#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/store/home.h"
#include "runtime/store/run_store.h"

namespace stagebox::run {

/// Below the state directory: `sandboxes/<instance>/` holds the scratch directories of an instance.
inline constexpr char kSandboxesDir[] = "sandboxes";

/// The intent record of an instance: the cgroup directories that it is going to make.
std::string encode_intent(const std::vector<std::string>& cgroup_directories);
std::vector<std::string> decode_intent(const std::string& note);

/// Kills what is left of dead instances, removes their cgroups and scratch directories, and marks
/// their unfinished runs as failed by us; the same for scratch directories and runs whose instance
/// is not there, after a crash of the machine. Returns how many instances there were.
base::Result<std::size_t> recover_dead_instances(const store::Home& home,
                                                 const store::RunStore& runs);

}  // namespace stagebox::run
