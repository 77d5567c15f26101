#include "scheduler/secrets_reader.h"

#include <optional>
#include <set>
#include <utility>

#include "scheduler/keys.h"
#include "scheduler/names.h"

namespace stagebox::scheduler {
namespace {

constexpr std::string_view kSecretsExample = "[TOKEN, {name: TOKEN, env: TOKEN}]";

std::optional<StageSecret> read_secret(const YamlNode& item, const ValueReader& reader) {
  StageSecret secret;
  secret.position = item.position;
  const YamlNode* name = &item;
  if (item.is_mapping()) {
    check_keys(item, kSecretKeys, reader.diagnostics());
    name = item.find("name");
    if (name == nullptr) {
      reader.diagnostics().add(item.position, "this secret has no `name`",
                               "write for example {name: TOKEN, env: TOKEN}");
      return std::nullopt;
    }
    if (const YamlNode* env = item.find("env")) {
      secret.env = reader.word(*env, "`env` of a secret", "the name of a variable");
      if (!secret.env ||
          !check_name(NameKind::kEnv, *secret.env, env->position, reader.diagnostics()))
        return std::nullopt;
    }
  }
  const auto text = reader.word(*name, "each of the `secrets`", "the name of a secret");
  if (!text || !check_name(NameKind::kSecret, *text, name->position, reader.diagnostics()))
    return std::nullopt;
  secret.name = *text;
  return secret;
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
