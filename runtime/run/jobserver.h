// Jobserver: how a stage gets at the tokens that JobTokens lends it: a FIFO in its /tmp and the
// variable MAKEFLAGS that names it, in the style of GNU make 4.4 ("fifo:PATH"). It is no part of
// the stage key: how many processes run at a time must not change a result.
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "sandbox/scratch.h"
#include "scheduler/pipeline.h"

namespace stagebox::run {

/// In every sandbox.
inline constexpr char kJobserverFifo[] = "stagebox-jobserver";

/// `jobs`: how many there can be in the whole run.
void add_jobserver_variable(std::map<std::string, std::string>& environment, unsigned jobs);

/// Before anything of the stage runs. The FIFO may be used by every user of the sandbox; what is
/// returned is our end, which does not block.
base::Result<base::UniqueFd> make_jobserver_fifo(const sandbox::Scratch& scratch);

/// How many jobs a stage can use besides its first: as many as there are, or as the processors that
/// it declared.
std::size_t most_tokens(const scheduler::Stage& stage, unsigned jobs);

}  // namespace stagebox::run
