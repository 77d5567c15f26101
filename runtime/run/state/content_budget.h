// What of the stored content is within a budget: who needs which content, how much each takes of
// the disk, and who has to do without. It decides; forgetting is Retention's.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/trust_domain.h"
#include "runtime/store/content/collector.h"
#include "runtime/store/content/content_store.h"

namespace stagebox::run {

/// Somebody who needs content: a recorded result, a run, a saved cache or a kept workspace.
struct ContentOwner {
  std::chrono::system_clock::time_point used;
  bool fixed = false;  ///< keeps its content whatever the budget
  store::LiveSet content = {};
  base::Trust trust = base::Trust::kTrusted;
};

/// A stored blob and what it takes.
struct ContentPart {
  base::Digest digest;
  std::uint64_t bytes = 0;
};

/// What each owner needs, as far as it is stored; the same blob may be there several times.
base::Result<std::vector<std::vector<ContentPart>>> parts_of(
    const store::ContentStore& content, const std::vector<ContentOwner>& owners);

/// Which owners are beyond the budget: from the one used last on, the trusted ones before the
/// others, parts are added up, each once; who does not fit any more, and everybody after it, is
/// beyond, but for those who only need what others keep anyway. Pure.
std::vector<std::size_t> beyond_budget(const std::vector<ContentOwner>& owners,
                                       const std::vector<std::vector<ContentPart>>& parts,
                                       std::uint64_t budget);

}  // namespace stagebox::run
