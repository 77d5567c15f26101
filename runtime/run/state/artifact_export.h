// Artifact export: stored outputs as files or as an archive of the user's, whole or not at all.
#pragma once

#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/store/content/content_store.h"
#include "runtime/store/home.h"
#include "runtime/store/stage_result.h"

namespace stagebox::run {

enum class ExportForm { kTree, kTar };

/// Whether export_artifact could make `destination`: kInvalid as there. Makes nothing.
base::Result<void> check_destination(const std::string& destination);

/// Makes `destination`, which must not exist: a file, a directory, or a tar archive. It appears
/// when it is complete; after a failure there is nothing. What has a name until then, a directory
/// or on a file system without O_TMPFILE a file, is on record in `home`, for the case that this
/// process is killed (unfinished_artifact.h). kInvalid when it exists or its directory does not.
base::Result<void> export_artifact(const store::Home& home, const store::ContentStore& content,
                                   const store::StoredOutput& output, ExportForm form,
                                   const std::string& destination);

struct NamedOutput {
  std::string name;
  store::StoredOutput output;
};

/// The same for a directory of all of `outputs` as files, each under its name, a single one.
base::Result<void> export_artifacts(const store::Home& home, const store::ContentStore& content,
                                    const std::vector<NamedOutput>& outputs,
                                    const std::string& destination);

/// One output to an open file, such as standard output. kInvalid for a directory that is not to be
/// an archive. After a failure what was written is of no use.
base::Result<void> stream_artifact(const store::ContentStore& content,
                                   const store::StoredOutput& output, ExportForm form, int fd);

}  // namespace stagebox::run
