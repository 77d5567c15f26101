#include "scheduler/file/stage_settings_reader.h"

#include <algorithm>
#include <array>
#include <map>

#include "scheduler/file/allow_failure_reader.h"
#include "scheduler/file/capabilities_reader.h"
#include "scheduler/file/command_reader.h"
#include "scheduler/file/keys.h"
#include "scheduler/file/names.h"
#include "scheduler/file/resources_reader.h"
#include "scheduler/file/retry_reader.h"
#include "scheduler/file/user_reader.h"
#include "scheduler/file/value_reader.h"

namespace stagebox::scheduler {
namespace {

constexpr std::array<std::string_view, 3> kCacheChoices{"auto", "never", "always"};
constexpr std::array<std::string_view, 2> kAcrossChoices{"run", "runs"};
constexpr std::string_view kNetworkExpected = "`none`, `nat`, `host` or a mapping with `allow`";
constexpr std::string_view kNetworkExample = "write for example {allow: [\"deb.debian.org:80\"]}";
constexpr std::string_view kEnvExample = "{CFLAGS: \"-O2\"}";

void read_variables(const YamlNode& node, const ValueReader& reader, NamedValues& env) {
  if (!reader.expect_mapping(node, "`env`", kEnvExample)) return;
  for (const YamlEntry& entry : node.entries()) {
    if (entry.duplicate || reader.values().budget().spent()) continue;
    const std::string name(entry.key->scalar());
    check_name(NameKind::kEnv, name, entry.key->position, reader.diagnostics());
    reader.values().budget().take(name.size());
    auto value = reader.text(*entry.value, "the variable " + backquoted(name));
    if (value && name.size() + value->size() + 2 > kLongestArgument) {
      reader.diagnostics().add(entry.value->position,
                               "the variable " + backquoted(name) +
                                   " is longer than 128 KiB, the most that the kernel passes to a "
                                   "program",
                               "put the text into an input file");
      value.reset();
    }
    env[name] = std::move(value);
  }
}

class SettingsReader {
 public:
  SettingsReader(const StageNodes& nodes, const ValueReader& reader, Stage& stage)
      : nodes_(nodes), reader_(reader), stage_(stage) {}

  void read();

 private:
  void read_image(const YamlNode& node);
  void read_shell(const YamlNode& node);
  void read_cache(const YamlNode& node);
  void read_network(const YamlNode& node);
  void read_rules(const YamlNode& node);
  // How far a mutex group reaches.
  enum class Across { kRun, kRuns };
  void read_mutex(const YamlNode& node);
  void read_group(const YamlNode& node, std::map<std::string, Across>& groups);

  const StageNodes& nodes_;
  const ValueReader& reader_;
  Stage& stage_;
};

void SettingsReader::read() {
  if (const YamlNode* node = nodes_.find("image")) read_image(*node);
  // The defaults first, so that the stage's own values win.
  for (const YamlNode* mapping : {nodes_.defaults, nodes_.own}) {
    const YamlNode* node = mapping == nullptr ? nullptr : mapping->find("resources");
    if (node != nullptr) read_resources(*node, reader_, stage_.resources);
  }
  if (const YamlNode* node = nodes_.find("timeout"))
    stage_.timeout = reader_.duration(*node, "`timeout`");
  if (const YamlNode* node = nodes_.find("shell")) read_shell(*node);
  if (const YamlNode* node = nodes_.find("user")) stage_.user = read_user(*node, reader_);
  if (const YamlNode* node = nodes_.find("workdir"))
    stage_.workdir = reader_.path(*node, "`workdir`").value_or(base::RelativePath());
  if (const YamlNode* node = nodes_.find("allow_failure"))
    stage_.allow_failure = read_allow_failure(*node, reader_);
  if (const YamlNode* node = nodes_.find("cache")) read_cache(*node);
  if (const YamlNode* node = nodes_.find("salt"))
    stage_.salt = reader_.text(*node, "`salt`").value_or("");
  if (const YamlNode* node = nodes_.find("retry")) stage_.retry = read_retry(*node, reader_);
  if (const YamlNode* node = nodes_.find("mutex")) read_mutex(*node);
  if (const YamlNode* node = nodes_.find("jobserver"))
    stage_.jobserver = reader_.boolean(*node, "`jobserver`").value_or(false);
  if (const YamlNode* node = nodes_.find("network")) read_network(*node);
  if (const YamlNode* node = nodes_.find("capabilities"))
    stage_.capabilities = read_capabilities(*node, stage_.network, reader_);
}

void SettingsReader::read_image(const YamlNode& node) {
  if (node.is_mapping()) {
    reader_.mismatch(node, "`image`", "the name of one of the `images`",
                     "describe the image under `images` and name it here");
    return;
  }
  stage_.image_position = node.position;
  stage_.image = reader_.word(node, "`image`", "the name of one of the `images`").value_or("");
}

void SettingsReader::read_shell(const YamlNode& node) {
  if (!node.is_sequence()) {
    reader_.mismatch(node, "`shell`", "a list", "write for example [/bin/sh, -eu]");
    return;
  }
  auto shell = reader_.texts(node, "`shell`");
  if (!shell || shell->size() != node.items().size()) return;  // Reported already.
  if (shell->empty() || shell->front().empty())
    reader_.diagnostics().add(node.position, "`shell` names no program",
                              "write for example [/bin/sh, -eu]");
  else
    stage_.shell = std::move(*shell);
}

void SettingsReader::read_cache(const YamlNode& node) {
  if (!node.is_mapping()) {
    if (const auto chosen = reader_.choice(node, "`cache`", kCacheChoices))
      stage_.cache = static_cast<CachePolicy>(*chosen);
    return;
  }
  check_keys(node, kCacheKeys, reader_.diagnostics());
  const YamlNode* ttl = node.find("ttl");
  if (ttl == nullptr) {
    reader_.diagnostics().add(node.position, "`cache` has no `ttl`",
                              "write for example {ttl: 24h}, or one of " + one_of(kCacheChoices));
    return;
  }
  // Who says how long a result is good says that it is good.
  stage_.cache = CachePolicy::kAlways;
  stage_.cache_ttl = reader_.duration(*ttl, "`ttl`");
}

void SettingsReader::read_network(const YamlNode& node) {
  if (node.is_mapping()) {
    check_keys(node, kNetworkKeys, reader_.diagnostics());
    if (const YamlNode* rules = node.find("allow")) {
      read_rules(*rules);
    } else {
      reader_.mismatch(node, "`network`", kNetworkExpected, kNetworkExample);
    }
    return;
  }
  const auto value = reader_.word(node, "`network`", kNetworkExpected);
  if (!value) return;
  if (*value == "none") {
    stage_.network = {};
  } else if (*value == "nat") {
    stage_.network = {Network::Mode::kNat, {}};
  } else if (*value == "host") {
    stage_.network = {Network::Mode::kHost, {}};
  } else {
    reader_.mismatch(node, "`network`", kNetworkExpected, kNetworkExample);
  }
}

void SettingsReader::read_rules(const YamlNode& node) {
  if (node.is_sequence() && node.items().empty()) {
    reader_.diagnostics().add(node.position, "`allow` names nothing",
                              "name what the stage has to reach, or write `network: none`");
  }
  std::map<std::string, base::NetworkRule> rules;
  for (const PlacedText& item : reader_.placed_texts(node, "`allow`")) {
    auto rule = base::NetworkRule::parse(item.text);
    if (rule.ok()) {
      rules.insert_or_assign(rule->text(), *rule);
    } else {
      reader_.diagnostics().add(item.position, "`allow`: " + rule.error().message);
    }
  }
  stage_.network = {Network::Mode::kAllow, {}};
  for (auto& [text, rule] : rules) stage_.network.allow.push_back(std::move(rule));
}

void SettingsReader::read_mutex(const YamlNode& node) {
  std::map<std::string, Across> groups;
  if (!node.is_sequence()) read_group(node, groups);
  for (const YamlNode* item : node.items()) read_group(*item, groups);
  stage_.mutex.clear();
  stage_.mutex_across_runs.clear();
  for (const auto& [name, across] : groups) {
    stage_.mutex.push_back(name);
    if (across == Across::kRuns) stage_.mutex_across_runs.push_back(name);
  }
}

void SettingsReader::read_group(const YamlNode& node, std::map<std::string, Across>& groups) {
  Across across = Across::kRun;
  const YamlNode* name_node = &node;
  if (node.is_mapping()) {
    check_keys(node, kMutexKeys, reader_.diagnostics());
    if (const YamlNode* value = node.find("across")) {
      if (const auto chosen = reader_.choice(*value, "`across`", kAcrossChoices))
        across = static_cast<Across>(*chosen);
    }
    name_node = node.find("name");
    if (name_node == nullptr) {
      reader_.diagnostics().add(node.position, "this mutex has no `name`",
                                "write for example {name: deploy, across: runs}");
      return;
    }
  }
  auto name = reader_.word(*name_node, "`mutex`", "the name of a group, or a list of them");
  if (!name || !check_name(NameKind::kMutex, *name, name_node->position, reader_.diagnostics()))
    return;
  Across& known = groups.emplace(std::move(*name), across).first->second;
  known = std::max(known, across);
}

}  // namespace

const YamlNode* StageNodes::find(std::string_view key) const {
  const YamlNode* node = own == nullptr ? nullptr : own->find(key);
  if (node == nullptr && defaults != nullptr) node = defaults->find(key);
  return node;
}

NamedValues read_env(const StageNodes& nodes, FileContext& context) {
  const ExpressionValues values(context.params, context.budget, EnvUse::kForbidden, nullptr,
                                context.matrix, &context.run);
  const ValueReader reader(context.diagnostics, values);
  NamedValues env;
  for (const YamlNode* mapping : {nodes.defaults, nodes.own}) {
    const YamlNode* node = mapping == nullptr ? nullptr : mapping->find("env");
    if (node != nullptr) read_variables(*node, reader, env);
  }
  return env;
}

void read_settings(const StageNodes& nodes, const NamedValues& env, EnvUse env_use,
                   FileContext& context, Stage& stage) {
  const ExpressionValues values(context.params, context.budget, env_use, &env, context.matrix,
                                &context.run);
  const ValueReader reader(context.diagnostics, values);
  SettingsReader(nodes, reader, stage).read();
}

}  // namespace stagebox::scheduler
