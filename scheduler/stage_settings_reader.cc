#include "scheduler/stage_settings_reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <map>

#include "scheduler/keys.h"
#include "scheduler/names.h"
#include "scheduler/retry_reader.h"
#include "scheduler/value_reader.h"

namespace stagebox::scheduler {
namespace {

// The kernel's own bound for one string of an environment (MAX_ARG_STRLEN, execve(2)).
constexpr std::size_t kMaxVariable = std::size_t{128} << 10U;
constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;
constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 50U;
constexpr Range<double> kCpuRange{0.01, 4096, "the kernel divides CPU time into hundredths"};
constexpr Range<std::uint64_t> kMemoryRange{kMiB, kMaxBytes, "no process starts with less"};
constexpr Range<std::uint64_t> kPidsRange{1, 4'194'304, "the stage itself is one process"};
constexpr Range<std::uint64_t> kDiskRange{kMiB, kMaxBytes, ""};
constexpr Range<std::uint64_t> kWeightRange{1, 10'000, "the kernel's own bounds"};
constexpr Range<std::uint64_t> kInodesRange{64, 1'000'000'000, "the stage's own directories count"};
constexpr Range<std::uint64_t> kIoRange{64U << 10U, kMaxBytes, "less stops a stage altogether"};
constexpr Range<std::uint64_t> kOpenFilesRange{16, 1U << 20U, "programs need some to start"};
constexpr Range<std::uint64_t> kOutputsRange{1, 1'000'000, "a tree can have no more"};
constexpr Range<std::uint64_t> kLogRange{1024, kMaxBytes, ""};
constexpr std::array<std::string_view, 3> kCacheChoices{"auto", "never", "always"};
constexpr std::string_view kNetworkExpected = "`none`, `nat`, `host` or a mapping with `allow`";
constexpr std::string_view kNetworkExample = "{allow: [\"deb.debian.org:80\"]}";
constexpr std::string_view kEnvExample = "{CFLAGS: \"-O2\"}";
constexpr std::string_view kResourcesExample = "{cpus: 2, memory: 1GiB}";

void read_variables(const YamlNode& node, const ValueReader& reader, NamedValues& env) {
  if (!reader.expect_mapping(node, "`env`", kEnvExample)) return;
  for (const YamlEntry& entry : node.entries) {
    if (entry.duplicate || reader.values().budget().spent()) continue;
    const std::string& name = entry.key->scalar;
    check_name(NameKind::kEnv, name, entry.key->position, reader.diagnostics());
    reader.values().budget().take(name.size());
    auto value = reader.text(*entry.value, "the variable " + backquoted(name));
    if (value && name.size() + value->size() + 2 > kMaxVariable) {
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

// A number that is a valid user or group id; 4294967295 means "none" to the kernel.
std::optional<std::uint32_t> parse_id(std::string_view text) {
  std::uint32_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (id == std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return id;
}

bool is_user_name(std::string_view text) {
  static constexpr std::string_view kFirst =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
  static constexpr std::string_view kMore = "0123456789.-";
  return !text.empty() && text.size() <= 64 && kFirst.find(text[0]) != std::string_view::npos &&
         std::ranges::all_of(text, [](char c) {
           return kFirst.find(c) != std::string_view::npos ||
                  kMore.find(c) != std::string_view::npos;
         });
}

// "0-3,6" (cpuset(7), "List format"). Whether the machine has them is for the kernel to say.
bool is_processor_list(std::string_view text) {
  const auto take_number = [&text] {
    const std::size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
    const bool fine = end >= 1 && end <= 5;
    text.remove_prefix(end);
    return fine;
  };
  for (;;) {
    if (!take_number()) return false;
    if (text.starts_with('-')) {
      text.remove_prefix(1);
      if (!take_number()) return false;
    }
    if (text.empty()) return true;
    if (!text.starts_with(',')) return false;
    text.remove_prefix(1);
  }
}

class SettingsReader {
 public:
  SettingsReader(const StageNodes& nodes, const ValueReader& reader, Stage& stage)
      : nodes_(nodes), reader_(reader), stage_(stage) {}

  void read();

 private:
  void read_image(const YamlNode& node);
  void read_resources(const YamlNode* mapping);
  void read_cpu(const YamlNode& mapping);
  void read_storage(const YamlNode& mapping);
  void read_cpuset(const YamlNode& node);
  void read_shell(const YamlNode& node);
  void read_user(const YamlNode& node);
  void read_cache(const YamlNode& node);
  void read_network(const YamlNode& node);
  void read_rules(const YamlNode& node);
  void read_mutex(const YamlNode& node);
  void read_none_only(std::string_view key, std::string_view others);

  const StageNodes& nodes_;
  const ValueReader& reader_;
  Stage& stage_;
};

void SettingsReader::read() {
  if (const YamlNode* node = nodes_.find("image")) read_image(*node);
  // The defaults first, so that the stage's own values win.
  if (nodes_.defaults != nullptr) read_resources(nodes_.defaults->find("resources"));
  if (nodes_.own != nullptr) read_resources(nodes_.own->find("resources"));
  if (const YamlNode* node = nodes_.find("timeout"))
    stage_.timeout = reader_.duration(*node, "`timeout`");
  if (const YamlNode* node = nodes_.find("shell")) read_shell(*node);
  if (const YamlNode* node = nodes_.find("user")) read_user(*node);
  if (const YamlNode* node = nodes_.find("workdir"))
    stage_.workdir = reader_.path(*node, "`workdir`").value_or(base::RelativePath());
  if (const YamlNode* node = nodes_.find("allow_failure")) {
    const bool allowed = reader_.boolean(*node, "`allow_failure`").value_or(false);
    stage_.allow_failure = allowed ? AllowFailure::kYes : AllowFailure::kNo;
  }
  if (const YamlNode* node = nodes_.find("cache")) read_cache(*node);
  if (const YamlNode* node = nodes_.find("salt"))
    stage_.salt = reader_.text(*node, "`salt`").value_or("");
  if (const YamlNode* node = nodes_.find("retry")) stage_.retry = read_retry(*node, reader_);
  if (const YamlNode* node = nodes_.find("mutex")) read_mutex(*node);
  if (const YamlNode* node = nodes_.find("network")) read_network(*node);
  read_none_only("capabilities", "`docker` or a list");
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

void SettingsReader::read_resources(const YamlNode* mapping) {
  if (mapping == nullptr || !reader_.expect_mapping(*mapping, "`resources`", kResourcesExample))
    return;
  check_keys(*mapping, kResourceKeys, reader_.diagnostics());
  read_cpu(*mapping);
  read_storage(*mapping);
  Resources& resources = stage_.resources;
  if (const YamlNode* node = mapping->find("memory")) {
    resources.memory = reader_.bytes(*node, "`memory`", kMemoryRange);
    resources.memory_position = node->position;
  }
  if (const YamlNode* node = mapping->find("pids"))
    resources.pids = reader_.integer(*node, "`pids`", kPidsRange);
  if (const YamlNode* node = mapping->find("open_files"))
    resources.open_files = reader_.integer(*node, "`open_files`", kOpenFilesRange);
  if (const YamlNode* node = mapping->find("log"))
    resources.log = reader_.bytes(*node, "`log`", kLogRange);
  if (const YamlNode* node = mapping->find("outputs"))
    resources.outputs = reader_.integer(*node, "`outputs`", kOutputsRange);
}

void SettingsReader::read_cpu(const YamlNode& mapping) {
  Resources& resources = stage_.resources;
  if (const YamlNode* node = mapping.find("cpus")) {
    resources.cpus = reader_.number(*node, "`cpus`", kCpuRange);
    resources.cpus_position = node->position;
  }
  if (const YamlNode* node = mapping.find("cpu_weight"))
    resources.cpu_weight = reader_.integer(*node, "`cpu_weight`", kWeightRange);
  if (const YamlNode* node = mapping.find("cpuset")) read_cpuset(*node);
  if (const YamlNode* node = mapping.find("cpu_time"))
    resources.cpu_time = reader_.duration(*node, "`cpu_time`");
}

void SettingsReader::read_storage(const YamlNode& mapping) {
  Resources& resources = stage_.resources;
  if (const YamlNode* node = mapping.find("disk"))
    resources.disk = reader_.bytes(*node, "`disk`", kDiskRange);
  if (const YamlNode* node = mapping.find("inodes"))
    resources.inodes = reader_.integer(*node, "`inodes`", kInodesRange);
  if (const YamlNode* node = mapping.find("io_read"))
    resources.io_read = reader_.bytes(*node, "`io_read`", kIoRange);
  if (const YamlNode* node = mapping.find("io_write"))
    resources.io_write = reader_.bytes(*node, "`io_write`", kIoRange);
}

void SettingsReader::read_cpuset(const YamlNode& node) {
  const auto text = reader_.word(node, "`cpuset`", "a list of processors");
  if (!text) return;
  if (is_processor_list(*text)) {
    stage_.resources.cpuset = *text;
    return;
  }
  reader_.diagnostics().add(node.position,
                            "`cpuset` must be a list of processors, found " + backquoted(*text),
                            "write for example \"0-3,6\"");
}

void SettingsReader::read_shell(const YamlNode& node) {
  if (!node.is_sequence()) {
    reader_.mismatch(node, "`shell`", "a list", "write for example [/bin/sh, -eu]");
    return;
  }
  auto shell = reader_.texts(node, "`shell`");
  if (!shell || shell->size() != node.items.size()) return;  // Reported already.
  if (shell->empty() || shell->front().empty())
    reader_.diagnostics().add(node.position, "`shell` names no program",
                              "write for example [/bin/sh, -eu]");
  else
    stage_.shell = std::move(*shell);
}

void SettingsReader::read_user(const YamlNode& node) {
  const auto text = reader_.word(node, "`user`", "`image`, UID, UID:GID or a name");
  if (!text || *text == "image") return;
  if (is_user_name(*text)) {
    stage_.user = NamedUser{*text};
    return;
  }
  const std::size_t colon = text->find(':');
  const auto uid = parse_id(std::string_view(*text).substr(0, colon));
  const bool has_gid = colon != std::string::npos;
  const auto gid = has_gid ? parse_id(std::string_view(*text).substr(colon + 1)) : std::nullopt;
  if (uid && has_gid == gid.has_value()) {
    stage_.user = NumericUser{*uid, gid};
    return;
  }
  reader_.diagnostics().add(
      node.position, "`user` must be `image`, UID, UID:GID or a name, found " + backquoted(*text),
      "ids are numbers from 0 to 4294967294");
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
  const auto texts = reader_.texts(node, "`allow`");
  if (!texts || texts->size() != node.items.size()) return;  // Reported already.
  if (texts->empty()) {
    reader_.diagnostics().add(node.position, "`allow` names nothing",
                              "name what the stage has to reach, or write `network: none`");
  }
  std::map<std::string, base::NetworkRule> rules;
  for (std::size_t i = 0; i < texts->size(); ++i) {
    auto rule = base::NetworkRule::parse((*texts)[i]);
    if (rule.ok()) {
      rules.insert_or_assign(rule->text(), *rule);
    } else {
      reader_.diagnostics().add(node.items[i]->position, "`allow`: " + rule.error().message);
    }
  }
  stage_.network = {Network::Mode::kAllow, {}};
  for (auto& [text, rule] : rules) stage_.network.allow.push_back(std::move(rule));
}

void SettingsReader::read_mutex(const YamlNode& node) {
  std::map<std::string, Position> names;
  const auto take = [&](const YamlNode& item) {
    auto name = reader_.word(item, "`mutex`", "the name of a group, or a list of them");
    if (name && check_name(NameKind::kMutex, *name, item.position, reader_.diagnostics()))
      names.emplace(std::move(*name), item.position);
  };
  if (!node.is_sequence()) take(node);
  for (const YamlNode* item : node.items) take(*item);
  stage_.mutex.clear();
  for (const auto& [name, position] : names) stage_.mutex.push_back(name);
}

void SettingsReader::read_none_only(std::string_view key, std::string_view others) {
  const YamlNode* node = nodes_.find(key);
  if (node == nullptr) return;
  const std::string expected = "`none`, the default";
  if (!node->is_scalar() || node->is_null()) {
    if (node->is_null())
      reader_.mismatch(*node, backquoted(key), expected);
    else
      reader_.diagnostics().add(node->position,
                                backquoted(key) +
                                    " other than `none` is not supported by this version "
                                    "of Stagebox yet");
    return;
  }
  const auto value = reader_.word(*node, backquoted(key), expected);
  if (!value || *value == "none") return;
  reader_.diagnostics().add(
      node->position,
      "`" + std::string(key) + ": " + escape_controls(*value) +
          "` is not supported by this version of Stagebox yet",
      "so far it can only be `none`; " + std::string(others) + " will come later");
}

}  // namespace

const YamlNode* StageNodes::find(std::string_view key) const {
  const YamlNode* node = own == nullptr ? nullptr : own->find(key);
  if (node == nullptr && defaults != nullptr) node = defaults->find(key);
  return node;
}

NamedValues read_env(const StageNodes& nodes, FileContext& context) {
  const ExpressionValues values(context.params, context.budget, EnvUse::kForbidden, nullptr,
                                context.matrix);
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
  const ExpressionValues values(context.params, context.budget, env_use, &env, context.matrix);
  const ValueReader reader(context.diagnostics, values);
  SettingsReader(nodes, reader, stage).read();
}

}  // namespace stagebox::scheduler
