// StageCaches: the caches of one stage while it runs: found before, laid under copy-on-write mounts
// of the sandbox, and saved afterwards under a key that is new. A cache is a help and never a
// reason to fail: what cannot be read is a miss, what cannot be saved is told.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "runtime/run/cache_report.h"
#include "runtime/run/engine/launcher.h"
#include "runtime/run/engine/left_workspace.h"
#include "runtime/run/policy/policy.h"
#include "runtime/run/secrets/secret_automaton.h"
#include "runtime/run/stage/stage_inputs.h"
#include "runtime/store/content/content_store.h"
#include "runtime/store/runs/cache_store.h"
#include "scheduler/pipeline.h"

namespace stagebox::run {

/// What all stages of a run have in common here. What it refers to outlives it.
struct CacheServices {
  store::CacheStore caches;
  store::ContentStore& content;
  const base::TrustDomain& domain;
  const Policy& policy;
  std::string pipeline;  ///< CachePlace::pipeline
  std::string run_id;
};

/// Bytes of a cache without a `max_size`: as much as a large package manager's directory has.
inline constexpr std::uint64_t kDefaultMaxCache = std::uint64_t{5} << 30U;

class StageCaches {
 public:
  /// Finds what there is to restore. Errors are about the keys, or about what every stage needs.
  static base::Result<StageCaches> restore(const CacheServices& services,
                                           const scheduler::Stage& stage,
                                           const std::vector<ResolvedInput>& inputs,
                                           const store::StageIds& ids);

  /// A mount for each; once, after all other inputs.
  void add_mounts(LaunchRequest& request);

  /// How the stage ended.
  enum class After {
    kSuccess,
    kFailure,  ///< By its own doing.
  };
  /// Of a stage whose last process is dead: those that are saved after such an end. `secrets` are
  /// the stage's own, or nullptr: a cache that contains one is not saved. Nor is what is not saved
  /// yet when it is stopped.
  void save(After after, const scheduler::Stage& stage, LeftWorkspace& left,
            const SecretAutomaton* secrets, const std::stop_token& stop);

  /// Once, at the end. A key can contain one of the stage's `secrets` (or nullptr): it is masked.
  [[nodiscard]] std::vector<CacheReport> take_reports(const SecretAutomaton* secrets);

 private:
  /// One cache on its way through the stage; in the order of the stage's.
  struct Restored {
    CacheReport report;
    base::UniqueFd lower;  ///< What was restored, or an empty directory; until add_mounts().
    std::size_t overlay_index = 0;  ///< Scratch::overlay_upper
  };

  explicit StageCaches(const CacheServices& services) : services_(services) {}
  base::Result<Restored> restore_one(const scheduler::Cache& cache,
                                     const std::vector<ResolvedInput>& inputs,
                                     const store::StageIds& ids) const;
  /// Whether it could be opened; then the report says where it is from.
  [[nodiscard]] bool take(const store::CacheSnapshot& snapshot, const store::StageIds& ids,
                          CacheRestored how, Restored& restored) const;
  [[nodiscard]] bool take_key(const std::string& key, const store::StageIds& ids,
                              Restored& restored) const;
  [[nodiscard]] bool take_beginning(const std::string& prefix, const store::StageIds& ids,
                                    Restored& restored) const;
  [[nodiscard]] std::vector<base::TrustDomain> readable_domains() const;
  [[nodiscard]] store::CachePlace place(const base::TrustDomain& domain,
                                        const std::string& path) const;
  /// An Error is why it is not saved.
  [[nodiscard]] base::Result<void> check_wanted(const CacheReport& report,
                                                const SecretAutomaton* secrets) const;
  [[nodiscard]] base::Result<void> save_one(const scheduler::Stage& stage,
                                            const scheduler::Cache& cache, const Restored& restored,
                                            LeftWorkspace& left, const SecretAutomaton* secrets,
                                            const std::stop_token& stop) const;

  const CacheServices& services_;
  std::vector<Restored> caches_;
};

}  // namespace stagebox::run
