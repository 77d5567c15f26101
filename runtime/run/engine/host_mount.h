// HostMount: a file or directory of the host as a sandbox gets it without a pipeline (`exec`).
#pragma once

#include <string>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "runtime/run/engine/local_engine.h"
#include "runtime/store/content/content_store.h"
#include "sandbox/spec/root_spec.h"

namespace stagebox::run {

struct HostMount {
  base::UniqueFd source;  ///< O_PATH
  sandbox::InputMount::Kind kind = sandbox::InputMount::Kind::kDirectory;
};

/// Mostly the file or directory itself. An ordinary user with subordinate ids is nobody in his
/// sandboxes, so what only he may read nobody there could, and the kernel maps the ids of a mount
/// for root only: a source with such entries, and every copy-on-write one, is then a stored copy as
/// of now, made like a stage's input (names, content, executable bits and links; everything
/// readable), which belongs to the sandbox's root, or if it is copy-on-write to `user`.
/// `path` is absolute and free of links; one that was put there since is refused.
/// kInvalid: neither a file nor a directory, a file as an overlay, or something in it that has to
/// be copied and cannot be.
base::Result<HostMount> open_host_mount(const std::string& path, sandbox::InputMount::Mode mode,
                                        LocalEngine& engine, const store::StageIds& user);

}  // namespace stagebox::run
