// Verdict: what became of a connection that a stage asked for. Pure.
#pragma once

#include <optional>
#include <string_view>

namespace stagebox::sandbox::network {

enum class Verdict {
  kAllowed,
  kRefused,    ///< By the allow-list.
  kFailed,     ///< Allowed, but it could not be resolved or connected.
  kMalformed,  ///< It was no request that a proxy understands.
};

/// "allowed", ...: as in the log of connections.
std::string_view name_of(Verdict verdict);
/// Nothing for what name_of() never says.
std::optional<Verdict> verdict_of(std::string_view name);

}  // namespace stagebox::sandbox::network
