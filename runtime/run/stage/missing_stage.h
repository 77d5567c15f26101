// What is said of a stage that a run does not have.
#pragma once

#include <string>

#include "runtime/base/error.h"
#include "runtime/store/runs/run_types.h"

namespace stagebox::run {

/// kNotFound, with what was probably meant: the variants of a matrix that is called so, else the
/// nearest name, else what lists them.
base::Error no_stage(const store::RunDetails& details, const std::string& name);

}  // namespace stagebox::run
