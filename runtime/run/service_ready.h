// The check that tells when a service is ready, as a watch of its sandbox: it never waits, so the
// sandbox is supervised meanwhile.
#pragma once

#include <functional>
#include <string>

#include "runtime/run/engine/launcher.h"
#include "runtime/run/secrets/secret_automaton.h"
#include "sandbox/supervision.h"
#include "scheduler/pipeline.h"

namespace stagebox::run {

/// What a check came to: that the service is ready, or else why not. It may quote what the check
/// wrote, with secrets masked.
struct ReadyVerdict {
  bool ready = false;
  std::string why;
};

/// `tell` gets every verdict, the last one when it is ready, on the thread that supervises. What
/// `running` refers to outlives the watch, `ready` and `secrets` too, which may be nullptr: none.
sandbox::Watch watch_ready(const Running& running, const scheduler::ServiceReady& ready,
                           const SecretAutomaton* secrets, std::function<void(ReadyVerdict)> tell);

}  // namespace stagebox::run
