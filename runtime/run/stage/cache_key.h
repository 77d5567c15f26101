// The key of a cache: its template with hash() replaced. What is hashed is what the stage sees: its
// inputs as they were stored, by their paths in the workspace. So no file is read for it, nothing
// is outside of the inputs, and no link is followed.
#pragma once

#include <string>
#include <vector>

#include "runtime/base/digest.h"
#include "runtime/base/result.h"
#include "runtime/run/stage/stage_inputs.h"
#include "runtime/store/content/content_store.h"
#include "scheduler/pipeline.h"

namespace stagebox::run {

/// Over paths, contents, executable bits and the texts of links of all that matches, sorted by
/// path; a directory that matches stands for all in it. kInvalid when nothing matches: two keys
/// without their hash would be equal.
base::Result<base::Digest> hash_inputs(const std::vector<std::string>& patterns,
                                       const std::vector<ResolvedInput>& inputs,
                                       const store::ContentStore& content);

base::Result<std::string> cache_key(const scheduler::CacheKey& key,
                                    const std::vector<ResolvedInput>& inputs,
                                    const store::ContentStore& content);

}  // namespace stagebox::run
