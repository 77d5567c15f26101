#include "runtime/run/policy/policy_reader.h"

#include <array>
#include <optional>
#include <string>

#include "runtime/base/capabilities.h"
#include "runtime/run/policy/policy_judge.h"
#include "scheduler/file/file_context.h"
#include "scheduler/file/keys.h"
#include "scheduler/file/names.h"
#include "scheduler/file/value_reader.h"
#include "scheduler/yaml/yaml_document.h"

namespace stagebox::run {
namespace {

using scheduler::backquoted;
using scheduler::KeySet;
using scheduler::Range;
using scheduler::ValueReader;
using scheduler::YamlNode;
using Name = std::string_view;

constexpr std::array<Name, 10> kAllRuns{
    "stagebox-policy", "network", "host_paths", "seccomp_profiles", "capabilities",
    "secrets",         "images",  "caches",     "resources",        "untrusted"};
constexpr std::array<Name, 7> kUntrustedRuns{
    "network", "host_paths", "seccomp_profiles", "capabilities", "images", "caches", "resources"};
constexpr std::array<Name, 2> kCaches{"access", "max_size"};
/// In the order of CacheAccess.
constexpr std::array<Name, 3> kCacheAccess{"none", "read", "save"};
constexpr std::array<Name, 1> kNoSecrets{"secrets"};
constexpr std::array<Name, 2> kNetwork{"modes", "allow"};
constexpr std::array<Name, 2> kSecret{"file", "env"};
constexpr std::array<Name, 11> kResources{"cpus",       "cpu_time", "memory",  "pids",
                                          "disk",       "inodes",   "io_read", "io_write",
                                          "open_files", "log",      "timeout"};

const KeySet kPolicyKeys{"a policy", kAllRuns, {}, {}, {}, {}};
const KeySet kUntrustedKeys{"the policy for untrusted runs",
                            kUntrustedRuns,
                            {},
                            {},
                            kNoSecrets,
                            "an untrusted run has no secrets, and no policy can give it any"};
const KeySet kNetworkKeys{"`network`", kNetwork, {}, {}, {}, {}};
const KeySet kSecretKeys{"a secret", kSecret, {}, {}, {}, {}};
const KeySet kCachesKeys{"`caches`", kCaches, {}, {}, {}, {}};
const KeySet kResourceKeys{"`resources`", kResources, {}, {}, {}, {}};

constexpr Range<std::uint64_t> kAnyNumber{1, std::uint64_t{1} << 50U, ""};
constexpr Range<double> kAnyCpus{0.01, 4096, ""};

class PolicyReader {
 public:
  PolicyReader(std::string_view file_name, scheduler::FileContext& context)
      : file_name_(file_name),
        values_(context.params, context.budget),
        reader_(context.diagnostics, values_) {}

  PolicyRules read(const YamlNode& root);

 private:
  void read_section(const YamlNode& section, std::vector<PolicyRule>& rules);
  void read_network(const YamlNode& node, std::vector<PolicyRule>& rules);
  void read_images(const YamlNode& node, std::vector<PolicyRule>& rules);
  void read_caches(const YamlNode& node, std::vector<PolicyRule>& rules);
  void read_resources(const YamlNode& node, std::vector<PolicyRule>& rules);
  void read_secrets(const YamlNode& node, PolicyRules& rules);
  std::optional<SecretSource> secret_source(const YamlNode& node);
  PermittedNetworks networks(const YamlNode& node);
  PermittedReach reach(const YamlNode& node);
  PermittedCapabilities capabilities(const YamlNode& node);
  std::vector<std::string> paths(const YamlNode& node, Name what);
  /// Each text of a list, with its node.
  template <typename Take>
  void each(const YamlNode& node, Name what, Take take);
  PolicyRule rule(const char* name, const YamlNode& node, decltype(PolicyRule::terms) terms) const;
  void mistake(const YamlNode& node, const std::string& message, Name hint = {}) {
    reader_.diagnostics().add(node.position, message, hint);
  }

  std::string file_name_;
  scheduler::ExpressionValues values_;
  ValueReader reader_;
};

PolicyRule PolicyReader::rule(const char* name, const YamlNode& node,
                              decltype(PolicyRule::terms) terms) const {
  return {name,
          file_name_ + ":" + std::to_string(node.position.line) + ":" +
              std::to_string(node.position.column),
          std::move(terms)};
}

template <typename Take>
void PolicyReader::each(const YamlNode& node, Name what, Take take) {
  const std::string name = backquoted(what);
  if (!reader_.expect_sequence(node, name, "[...]")) return;
  for (const YamlNode* item : node.items()) {
    if (const auto text = reader_.word(*item, "each of " + name)) take(*item, *text);
  }
}

PolicyRules PolicyReader::read(const YamlNode& root) {
  PolicyRules rules;
  check_keys(root, kPolicyKeys, reader_.diagnostics());
  const YamlNode* version = root.find("stagebox-policy");
  if (version == nullptr || !version->is_scalar() || version->scalar() != "1") {
    mistake(version == nullptr ? root : *version, "`stagebox-policy` must be 1",
            "it is the version of the format of policies");
  }
  read_section(root, rules.all_runs);
  if (const YamlNode* secrets = root.find("secrets")) read_secrets(*secrets, rules);
  const YamlNode* untrusted = root.find("untrusted");
  if (untrusted == nullptr ||
      !reader_.expect_mapping(*untrusted, "`untrusted`", "{network: {modes: [none]}}"))
    return rules;
  check_keys(*untrusted, kUntrustedKeys, reader_.diagnostics());
  read_section(*untrusted, rules.untrusted_runs);
  for (const PolicyRule& rule : rules.untrusted_runs) {
    const auto* networks = std::get_if<PermittedNetworks>(&rule.terms);
    if (networks != nullptr && networks->modes.contains(NetworkMode::kHost))
      mistake(*untrusted, "an untrusted run cannot have the host's network", "leave out `host`");
  }
  return rules;
}

void PolicyReader::read_section(const YamlNode& section, std::vector<PolicyRule>& rules) {
  if (const YamlNode* node = section.find("network")) read_network(*node, rules);
  if (const YamlNode* node = section.find("host_paths")) {
    rules.push_back(rule("host_paths", *node, PermittedHostPaths{paths(*node, "host_paths")}));
  }
  if (const YamlNode* node = section.find("seccomp_profiles")) {
    const auto files = paths(*node, "seccomp_profiles");
    rules.push_back(
        rule("seccomp_profiles", *node, PermittedProfiles{{files.begin(), files.end()}}));
  }
  if (const YamlNode* node = section.find("capabilities"))
    rules.push_back(rule("capabilities", *node, capabilities(*node)));
  if (const YamlNode* node = section.find("images")) read_images(*node, rules);
  if (const YamlNode* node = section.find("caches")) read_caches(*node, rules);
  if (const YamlNode* node = section.find("resources")) read_resources(*node, rules);
}

void PolicyReader::read_network(const YamlNode& node, std::vector<PolicyRule>& rules) {
  if (!reader_.expect_mapping(node, "`network`", "{modes: [none, allow]}")) return;
  check_keys(node, kNetworkKeys, reader_.diagnostics());
  if (const YamlNode* modes = node.find("modes"))
    rules.push_back(rule("network.modes", *modes, networks(*modes)));
  if (const YamlNode* allow = node.find("allow"))
    rules.push_back(rule("network.allow", *allow, reach(*allow)));
}

PermittedNetworks PolicyReader::networks(const YamlNode& node) {
  PermittedNetworks permitted;
  each(node, "modes", [&](const YamlNode& item, const std::string& text) {
    for (const NetworkMode mode : kNetworkModes) {
      if (text == to_string(mode)) {
        permitted.modes.insert(mode);
        return;
      }
    }
    mistake(item, "unknown network " + backquoted(text), "known are none, allow, nat and host");
  });
  return permitted;
}

PermittedReach PolicyReader::reach(const YamlNode& node) {
  PermittedReach permitted;
  each(node, "allow", [&](const YamlNode& item, const std::string& text) {
    auto parsed = base::NetworkRule::parse(text);
    if (parsed.ok())
      permitted.rules.push_back(std::move(*parsed));
    else
      mistake(item, parsed.error().message);
  });
  return permitted;
}

std::vector<std::string> PolicyReader::paths(const YamlNode& node, Name what) {
  std::vector<std::string> found;
  each(node, what, [&](const YamlNode& item, const std::string& text) {
    const auto path = base::RelativePath::parse(std::string_view(text).substr(1));
    const bool whole = path.ok() && path->str() == text.substr(1);
    if (text.starts_with('/') && (whole || text == "/"))
      found.push_back(text);
    else
      mistake(item, backquoted(text) + " is not an absolute path in its shortest form");
  });
  return found;
}

PermittedCapabilities PolicyReader::capabilities(const YamlNode& node) {
  PermittedCapabilities permitted;
  each(node, "capabilities", [&](const YamlNode& item, const std::string& text) {
    if (const auto bit = base::capability_bit(text))
      permitted.bits |= *bit;
    else
      mistake(item, backquoted(text) + " is not a capability");
  });
  return permitted;
}

void PolicyReader::read_images(const YamlNode& node, std::vector<PolicyRule>& rules) {
  PermittedImages permitted;
  if (node.is_scalar()) {
    const auto text = reader_.word(node, "`images`", "`pinned` or a list of digests");
    if (text && *text != "pinned")
      reader_.mismatch(node, "`images`", "`pinned` or a list of digests");
  } else {
    each(node, "images", [&](const YamlNode& item, const std::string& text) {
      const auto digest = base::Digest::from_oci(text);
      if (digest.ok())
        permitted.digests.insert(*digest);
      else
        mistake(item, backquoted(text) + " is not \"sha256:\" and 64 hexadecimal digits");
    });
    if (node.is_sequence() && node.items().empty())
      mistake(node, "`images` names no image", "write `pinned`, or the digests that are permitted");
  }
  rules.push_back(rule("images", node, std::move(permitted)));
}

void PolicyReader::read_caches(const YamlNode& node, std::vector<PolicyRule>& rules) {
  if (!reader_.expect_mapping(node, "`caches`", "{access: read, max_size: 1GiB}")) return;
  check_keys(node, kCachesKeys, reader_.diagnostics());
  PermittedCaches permitted;
  if (const YamlNode* access = node.find("access")) {
    if (const auto chosen = reader_.choice(*access, "`access`", kCacheAccess))
      permitted.access = static_cast<CacheAccess>(*chosen);
  }
  if (const YamlNode* size = node.find("max_size"))
    permitted.max_size = reader_.bytes(*size, "`max_size`", kAnyNumber);
  rules.push_back(rule("caches", node, permitted));
}

void PolicyReader::read_resources(const YamlNode& node, std::vector<PolicyRule>& rules) {
  if (!reader_.expect_mapping(node, "`resources`", "{cpus: 4, memory: 8GiB}")) return;
  check_keys(node, kResourceKeys, reader_.diagnostics());
  Ceilings ceilings;
  for (const CountedLimit& counted : kCountedLimits) {
    const YamlNode* value = node.find(counted.name);
    if (value == nullptr) continue;
    const std::string what = backquoted(counted.name);
    ceilings.limits.*counted.limit = counted.unit == CountedLimit::Unit::kBytes
                                         ? reader_.bytes(*value, what, kAnyNumber)
                                         : reader_.integer(*value, what, kAnyNumber);
  }
  if (const YamlNode* value = node.find("cpus"))
    ceilings.limits.cpus = reader_.number(*value, "`cpus`", kAnyCpus);
  if (const YamlNode* value = node.find("cpu_time"))
    ceilings.limits.cpu_time = reader_.duration(*value, "`cpu_time`");
  if (const YamlNode* value = node.find("timeout"))
    ceilings.timeout = reader_.duration(*value, "`timeout`");
  rules.push_back(rule("resources", node, std::move(ceilings)));
}

// A list of names, or names with where the runner has them: {TOKEN: {file: /etc/ci/token}}.
void PolicyReader::read_secrets(const YamlNode& node, PolicyRules& rules) {
  PermittedSecrets permitted;
  const auto permit = [&](const YamlNode& item, const std::string& name) {
    if (!check_name(scheduler::NameKind::kSecret, name, item.position, reader_.diagnostics()))
      return false;
    permitted.names.insert(name);
    return true;
  };
  if (node.is_mapping()) {
    for (const scheduler::YamlEntry& entry : node.entries()) {
      if (entry.duplicate || !permit(*entry.key, std::string(entry.key->scalar()))) continue;
      if (auto source = secret_source(*entry.value))
        rules.secrets.emplace(entry.key->scalar(), std::move(*source));
    }
  } else {
    each(node, "secrets", permit);
  }
  rules.all_runs.push_back(rule("secrets", node, std::move(permitted)));
}

std::optional<SecretSource> PolicyReader::secret_source(const YamlNode& node) {
  if (node.is_null() || (node.is_mapping() && node.entries().empty())) return std::nullopt;
  if (!node.is_mapping()) {
    // What stands there is most likely the secret itself, and this goes into a log.
    mistake(node,
            "a secret must be a mapping that says where it is, such as {file: /etc/ci/token}");
    return std::nullopt;
  }
  check_keys(node, kSecretKeys, reader_.diagnostics());
  const YamlNode* file = node.find("file");
  const YamlNode* env = node.find("env");
  if ((file == nullptr) == (env == nullptr)) {
    mistake(node, "a secret has either `file` or `env`");
    return std::nullopt;
  }
  if (env != nullptr) {
    const auto name = reader_.word(*env, "`env`");
    if (!name) return std::nullopt;
    const std::string place = reader_.diagnostics().file_name() + ":" +
                              std::to_string(env->position.line) + ":" +
                              std::to_string(env->position.column);
    return SecretVariable{*name, "the variable " + *name + ", named in " + place + ","};
  }
  const auto path = reader_.word(*file, "`file`");
  if (!path || !path->starts_with('/')) {
    mistake(*file, "`file` must be an absolute path");
    return std::nullopt;
  }
  return SecretFile{*path};
}

}  // namespace

std::variant<PolicyRules, scheduler::Diagnostics> read_policy(std::string_view file_name,
                                                              std::string_view bytes) {
  scheduler::Diagnostics diagnostics(file_name);
  const auto document = scheduler::parse_yaml(bytes, diagnostics, {}, scheduler::YamlFile::kPolicy);
  if (!document) return diagnostics;
  if (!document->root().is_mapping()) {
    diagnostics.add(document->root().position, "a policy must be a mapping",
                    "it begins with `stagebox-policy: 1`");
    return diagnostics;
  }
  scheduler::FileContext context{.diagnostics = diagnostics};
  PolicyRules rules = PolicyReader(file_name, context).read(document->root());
  if (!diagnostics.empty()) return diagnostics;
  return rules;
}

}  // namespace stagebox::run
