// The part of a stage that may also stand under `defaults`: image, environment, resources, limits,
// user and so on. Each setting is taken from the stage or else from the defaults; `env` and
// `resources` are merged key by key.
#pragma once

#include "scheduler/file/file_context.h"
#include "scheduler/pipeline.h"
#include "scheduler/yaml/yaml_node.h"

namespace stagebox::scheduler {

/// A stage's mapping and the defaults' under it; either may be nullptr.
struct StageNodes {
  const YamlNode* own = nullptr;
  const YamlNode* defaults = nullptr;

  [[nodiscard]] const YamlNode* find(std::string_view key) const;
};

/// The environment of a stage, or of a service, by name, without a value where that is wrong (and
/// reported).
NamedValues read_env(const StageNodes& nodes, FileContext& context);

/// Everything but `env`. `env_use` is kUnchecked for the defaults on their own.
void read_settings(const StageNodes& nodes, const NamedValues& env, EnvUse env_use,
                   FileContext& context, Stage& stage);

}  // namespace stagebox::scheduler
