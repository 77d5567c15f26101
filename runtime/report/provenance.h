// Provenance: what an artifact was made from, as an in-toto Statement v1 with a SLSA Provenance v1
// predicate (in-toto attestation spec/v1/statement.md; slsa.dev/spec/v1.0/provenance). Not signed.
// docs/provenance.md says what is where.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/store/content/content_store.h"
#include "runtime/store/runs/decision_store.h"
#include "runtime/store/runs/run_store.h"

namespace stagebox::report {

/// All outlive the call.
struct ProvenanceSources {
  const store::RunStore& runs;
  const store::DecisionStore& decisions;
  const store::ContentStore& content;
};

/// What the stage's file and command line said and the stage key does not: --param.
using Parameters = std::vector<std::pair<std::string, std::string>>;

/// Of one artifact: JSON, indented. kNotFound when the stage's key or its messages are not kept any
/// more, kCorrupt when they are damaged.
base::Result<std::string> provenance_of(const ProvenanceSources& sources,
                                        const store::RunDetails& details,
                                        const store::OutputRow& output,
                                        const Parameters& parameters);

}  // namespace stagebox::report
