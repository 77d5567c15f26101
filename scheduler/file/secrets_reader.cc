#include "scheduler/file/secrets_reader.h"

#include <optional>
#include <set>
#include <utility>

#include "scheduler/file/keys.h"
#include "scheduler/file/names.h"

namespace stagebox::scheduler {
namespace {

constexpr std::string_view kSecretsExample = "[TOKEN, {name: TOKEN, env: TOKEN}]";

struct Wanted {
  NameKind kind;
  std::string_view what;
  std::string_view expected;
};
constexpr Wanted kSecretName{NameKind::kSecret, "each of the `secrets`", "the name of a secret"};
constexpr Wanted kVariableName{NameKind::kEnv, "`env` of a secret", "the name of a variable"};

std::optional<std::string> read_name(const YamlNode& node, const Wanted& wanted,
                                     const ValueReader& reader) {
  auto name = reader.word(node, wanted.what, wanted.expected);
  if (name && !check_name(wanted.kind, *name, node.position, reader.diagnostics())) name.reset();
  return name;
}

std::optional<StageSecret> read_long_form(const YamlNode& item, const ValueReader& reader) {
  check_keys(item, kSecretKeys, reader.diagnostics());
  std::optional<std::string> name;
  if (const YamlNode* node = item.find("name"))
    name = read_name(*node, kSecretName, reader);
  else
    reader.diagnostics().add(item.position, "this secret has no `name`",
                             "write for example {name: TOKEN, env: TOKEN}");
  const YamlNode* env = item.find("env");
  const auto variable = env == nullptr ? std::nullopt : read_name(*env, kVariableName, reader);
  if (!name || (env != nullptr && !variable)) return std::nullopt;
  return StageSecret{.name = *name, .env = variable, .position = item.position};
}

std::optional<StageSecret> read_secret(const YamlNode& item, const ValueReader& reader) {
  if (item.is_mapping()) return read_long_form(item, reader);
  const auto name = read_name(item, kSecretName, reader);
  if (!name) return std::nullopt;
  return StageSecret{.name = *name, .env = {}, .position = item.position};
}

}  // namespace

std::vector<StageSecret> read_secrets(const YamlNode& node, const ValueReader& reader,
                                      const std::map<std::string, std::string>& env) {
  std::map<std::string, StageSecret> secrets;
  std::set<std::string> variables;
  if (!reader.expect_sequence(node, "`secrets`", kSecretsExample)) return {};
  for (const YamlNode* item : node.items()) {
    auto secret = read_secret(*item, reader);
    if (!secret) continue;
    if (secret->env && (env.contains(*secret->env) || !variables.insert(*secret->env).second))
      reader.diagnostics().add(item->position,
                               "the variable " + backquoted(*secret->env) + " is set already");
    if (secrets.contains(secret->name))
      reader.diagnostics().add(item->position,
                               "the secret " + backquoted(secret->name) + " is there twice");
    std::string name = secret->name;
    secrets.emplace(std::move(name), std::move(*secret));
  }
  std::vector<StageSecret> sorted;
  for (auto& [name, secret] : secrets) sorted.push_back(std::move(secret));
  return sorted;
}

}  // namespace stagebox::scheduler
