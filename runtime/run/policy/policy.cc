#include "runtime/run/policy/policy.h"

#include <algorithm>
#include <utility>

#include "runtime/run/policy/policy_judge.h"

namespace stagebox::run {
namespace {

using base::Trust;

constexpr char kBuiltIn[] = "built in";

PolicyRules built_in() {
  PolicyRules rules;
  rules.all_runs = {
      {"network.modes", kBuiltIn,
       PermittedNetworks{{NetworkMode::kNone, NetworkMode::kAllow, NetworkMode::kNat}}}};
  rules.untrusted_runs = {{"network.modes", kBuiltIn, PermittedNetworks{{NetworkMode::kNone}}},
                          {"host_paths", kBuiltIn, PermittedHostPaths{}},
                          {"seccomp_profiles", kBuiltIn, PermittedProfiles{}},
                          {"capabilities", kBuiltIn, PermittedCapabilities{}}};
  return rules;
}

void add(const std::vector<PolicyRule>& more, std::string_view owner,
         std::vector<PolicyRule>& rules) {
  for (PolicyRule rule : more) {
    rule.name.insert(0, owner);
    rules.push_back(std::move(rule));
  }
}

// `own`, and what is built in where it says nothing.
std::vector<PolicyRule> completed(std::vector<PolicyRule> own,
                                  const std::vector<PolicyRule>& built_in) {
  for (const PolicyRule& rule : built_in) {
    if (std::ranges::find(own, rule.name, &PolicyRule::name) == own.end()) own.push_back(rule);
  }
  return own;
}

template <typename T>
void lower(std::optional<T>& limit, const std::optional<T>& ceiling) {
  if (ceiling && (!limit || *ceiling < *limit)) limit = ceiling;
}

}  // namespace

std::string_view to_string(NetworkMode mode) {
  switch (mode) {
    case NetworkMode::kNone:
      return "none";
    case NetworkMode::kAllow:
      return "allow";
    case NetworkMode::kNat:
      return "nat";
    case NetworkMode::kHost:
      break;
  }
  return "host";
}

Policy Policy::make(Trust trust, const PolicyRules& base, const PolicyRules& narrower) {
  const PolicyRules defaults = built_in();
  Policy policy;
  policy.trust_ = trust;
  add(completed(base.all_runs, defaults.all_runs), "", policy.rules_);
  add(narrower.all_runs, "", policy.rules_);
  if (trust == Trust::kTrusted) {
    policy.secret_sources_ = base.secrets;
    policy.secret_sources_.insert(narrower.secrets.begin(), narrower.secrets.end());
    return policy;
  }
  add(completed(base.untrusted_runs, defaults.untrusted_runs), "untrusted.", policy.rules_);
  add(narrower.untrusted_runs, "untrusted.", policy.rules_);
  policy.rules_.push_back({"untrusted.secrets", kBuiltIn, PermittedSecrets{}});
  return policy;
}

// Whether a policy can permit what a built-in rule does not: none gives an untrusted run a secret
// or the host's network.
bool Policy::is_changeable(const PolicyRule& rule, const Asked& asked) const {
  if (trust_ == Trust::kTrusted) return true;
  if (std::holds_alternative<PermittedNetworks>(rule.terms))
    return asked.network.mode != NetworkMode::kHost;
  return !std::holds_alternative<PermittedSecrets>(rule.terms);
}

std::vector<std::string> Policy::refusals(const Asked& asked) const {
  std::vector<std::string> sentences;
  for (const PolicyRule& rule : rules_) {
    for (const std::string& what : judge(asked, rule)) {
      std::string sentence = asked.who + ": " + what + " is not permitted by the rule " +
                             rule.name + " (" + rule.place + ")";
      if (rule.place == kBuiltIn)
        sentence += is_changeable(rule, asked) ? std::string("; a rule of that name in ") +
                                                     kMachinePolicy + " can permit it"
                                               : "; no policy can permit it";
      sentences.push_back(std::move(sentence));
    }
  }
  return sentences;
}

sandbox::Limits Policy::capped(sandbox::Limits limits) const {
  for (const PolicyRule& rule : rules_) {
    const auto* ceilings = std::get_if<Ceilings>(&rule.terms);
    if (ceilings == nullptr) continue;
    for (const CountedLimit& counted : kCountedLimits) {
      auto& limit = limits.*counted.limit;
      const auto& ceiling = ceilings->limits.*counted.limit;
      if (!limit && counted.otherwise && ceiling >= counted.otherwise) continue;
      lower(limit, ceiling);
    }
    lower(limits.cpus, ceilings->limits.cpus);
    lower(limits.cpu_time, ceilings->limits.cpu_time);
  }
  return limits;
}

std::optional<std::chrono::milliseconds> Policy::capped(
    std::optional<std::chrono::milliseconds> timeout) const {
  const PolicyRule* rule = rule_that_caps(timeout);
  return rule != nullptr ? std::get<Ceilings>(rule->terms).timeout : timeout;
}

std::string Policy::who_caps(std::optional<std::chrono::milliseconds> timeout) const {
  const PolicyRule* rule = rule_that_caps(timeout);
  return rule != nullptr ? "the policy (" + rule->place + ")" : "";
}

const PolicyRule* Policy::rule_that_caps(std::optional<std::chrono::milliseconds> timeout) const {
  const PolicyRule* lowest = nullptr;
  for (const PolicyRule& rule : rules_) {
    const auto* ceilings = std::get_if<Ceilings>(&rule.terms);
    if (ceilings == nullptr || !ceilings->timeout) continue;
    if (timeout && *timeout <= *ceilings->timeout) continue;
    timeout = ceilings->timeout;
    lowest = &rule;
  }
  return lowest;
}

bool Policy::saves_caches() const {
  return std::ranges::none_of(rules_, [](const PolicyRule& rule) {
    const auto* caches = std::get_if<PermittedCaches>(&rule.terms);
    return caches != nullptr && caches->access != CacheAccess::kSave;
  });
}

std::uint64_t Policy::capped_cache(std::uint64_t bytes) const {
  for (const PolicyRule& rule : rules_) {
    const auto* caches = std::get_if<PermittedCaches>(&rule.terms);
    if (caches != nullptr && caches->max_size) bytes = std::min(bytes, *caches->max_size);
  }
  return bytes;
}

}  // namespace stagebox::run
