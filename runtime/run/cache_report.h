// CacheReport: what became of one of a stage's caches, as it is told and recorded.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/digest.h"
#include "runtime/base/trust_domain.h"

namespace stagebox::run {

enum class CacheRestored {
  kMiss,       ///< The stage found an empty directory.
  kBeginning,  ///< A snapshot whose key begins as one of `restore`.
  kHit,        ///< The one with its key.
};
/// "miss", "beginning" or "hit".
std::string_view to_string(CacheRestored restored);

struct CacheReport {
  std::string path;  ///< In the workspace.
  std::string key;
  CacheRestored restored = CacheRestored::kMiss;
  std::string restored_key = {};           ///< Empty for a miss.
  base::TrustDomain restored_domain = {};  ///< Where that was saved; not for a miss.
  base::Digest restored_root = {};         ///< Of its tree; zero for a miss.
  std::string restored_run = {};           ///< That saved it.
  bool saved = false;
  std::string not_saved = {};  ///< Why it was not; empty when it was.
};

/// ".npm: restored from npm-1, saved as npm-2"
std::string describe(const CacheReport& report);

}  // namespace stagebox::run
