// Policy: what the runner's side permits sandboxes to have. It is a list of rules, all of which
// must permit what is asked for: so each rule that is added can only narrow. Pure; where policies
// come from is policy_files.h, how they are written policy_reader.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runtime/base/digest.h"
#include "runtime/base/network_rule.h"
#include "runtime/base/trust_domain.h"
#include "runtime/run/secrets/secrets.h"
#include "sandbox/spec/limits.h"
#include "scheduler/pipeline.h"

namespace stagebox::run {

/// The file for everybody on this machine.
inline constexpr char kMachinePolicy[] = "/etc/stagebox/policy.yaml";

using NetworkMode = scheduler::Network::Mode;
/// "none", "allow", "nat" or "host", as policies call it.
std::string_view to_string(NetworkMode mode);
inline constexpr NetworkMode kNetworkModes[] = {NetworkMode::kNone, NetworkMode::kAllow,
                                                NetworkMode::kNat, NetworkMode::kHost};

/// What stages may do with their caches; each includes those before it.
enum class CacheAccess {
  kNone,
  kRead,  ///< Restore, and save nothing.
  kSave,
};

/// Everything about a sandbox that a policy has a say in.
struct Asked {
  std::string who;  ///< For messages: "stage build", "exec".
  scheduler::Network network;
  /// Absolute and without links, outside of the pipeline's directory.
  std::vector<std::string> host_paths;
  std::string seccomp_profile;       ///< Absolute path of a filter's file; empty: the default one.
  std::uint64_t capabilities = 0;    ///< Bits of capabilities(7).
  std::vector<std::string> secrets;  ///< Their names.
  sandbox::Limits limits;
  std::optional<std::chrono::milliseconds> timeout;
  bool has_caches = false;
  std::optional<std::uint64_t> cache_size;  ///< The greatest `max_size` of one, in bytes.
  std::string image;                        ///< As it was named.
  std::optional<base::Digest> pin;          ///< The only content that is accepted under that name.
};

struct PermittedNetworks {
  std::set<NetworkMode> modes;
};
/// Of allow-lists; other networks are not bound by it.
struct PermittedReach {
  std::vector<base::NetworkRule> rules;
};
struct PermittedHostPaths {
  std::vector<std::string> below;  ///< These and what lies below them.
};
/// Besides the default one.
struct PermittedProfiles {
  std::set<std::string> files;
};
struct PermittedCapabilities {
  std::uint64_t bits = 0;
};
struct PermittedSecrets {
  std::set<std::string> names;
};
struct PermittedImages {
  std::set<base::Digest> digests;  ///< Empty: all that are pinned.
};
struct PermittedCaches {
  CacheAccess access = CacheAccess::kSave;
  std::optional<std::uint64_t> max_size;  ///< Of one, in bytes; one that names none gets this.
};
/// What asks for more is refused; what names no limit gets this one.
struct Ceilings {
  sandbox::Limits limits;
  std::optional<std::chrono::milliseconds> timeout;
};

struct PolicyRule {
  std::string name;   ///< "network.modes"
  std::string place;  ///< "/etc/stagebox/policy.yaml:4:3", "built in"
  std::variant<PermittedNetworks, PermittedReach, PermittedHostPaths, PermittedProfiles,
               PermittedCapabilities, PermittedSecrets, PermittedImages, PermittedCaches, Ceilings>
      terms;
};

/// One policy file.
struct PolicyRules {
  std::vector<PolicyRule> all_runs;
  std::vector<PolicyRule> untrusted_runs;  ///< In addition.
  SecretSources secrets = {};              ///< Where the runner keeps them.
};

class Policy {
 public:
  /// `base` stands instead of what is built in, rule by rule: a name that it does not have is as
  /// built in. `narrower` adds to it. An untrusted run has no secrets, whatever the rules say.
  static Policy make(base::Trust trust, const PolicyRules& base, const PolicyRules& narrower = {});

  /// A sentence for each rule that does not permit it, with the name of the rule and its place; of
  /// one that is built in also where another could stand instead, if any could permit it.
  [[nodiscard]] std::vector<std::string> refusals(const Asked& asked) const;
  /// Limits, defaults included, with the ceilings where they are lower or there is no limit.
  [[nodiscard]] sandbox::Limits capped(sandbox::Limits limits) const;
  [[nodiscard]] std::optional<std::chrono::milliseconds> capped(
      std::optional<std::chrono::milliseconds> timeout) const;
  /// Whose the timeout is then, for messages; empty: that of who asked for it.
  [[nodiscard]] std::string who_caps(std::optional<std::chrono::milliseconds> timeout) const;
  /// Whether what stages leave in their caches is saved.
  [[nodiscard]] bool saves_caches() const;
  /// The size of one, in bytes, with the ceilings where they are lower.
  [[nodiscard]] std::uint64_t capped_cache(std::uint64_t bytes) const;
  [[nodiscard]] base::Trust trust() const { return trust_; }
  /// Of trusted runs: the secrets that the runner's side has, by name.
  [[nodiscard]] const SecretSources& secret_sources() const { return secret_sources_; }

 private:
  /// The one with the lowest ceiling; nullptr: none is below this.
  [[nodiscard]] const PolicyRule* rule_that_caps(
      std::optional<std::chrono::milliseconds> timeout) const;
  [[nodiscard]] bool is_changeable(const PolicyRule& rule, const Asked& asked) const;

  base::Trust trust_ = base::Trust::kTrusted;
  std::vector<PolicyRule> rules_;
  SecretSources secret_sources_;
};

}  // namespace stagebox::run
