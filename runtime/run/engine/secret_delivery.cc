#include "runtime/run/engine/secret_delivery.h"

#include <string>
#include <string_view>

namespace stagebox::run {

base::Result<void> check_variable(const scheduler::StageSecret& secret, const Secrets& secrets) {
  if (!secret.env || secrets.value(secret.name).find('\0') == std::string_view::npos) return {};
  return base::invalid("the secret " + secret.name +
                       " has a NUL byte, which no variable can have; use its file");
}

base::Result<void> add_secret(const scheduler::StageSecret& secret, const Secrets& secrets,
                              LaunchRequest& request) {
  const std::string_view value = secrets.value(secret.name);
  request.secrets.push_back({secret.name, value});
  if (!secret.env) return {};
  TRY(check_variable(secret, secrets));
  // Without a copy on the way, which nobody would zero.
  request.spec.command.environment[*secret.env].assign(value);
  return {};
}

}  // namespace stagebox::run
