// NetworkAccess: what a sandbox may reach besides itself, and what it asked for. See
// sandbox/network.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/network_rule.h"
#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "scheduler/pipeline.h"

namespace stagebox::run {

struct NetworkAccess {
  enum class Kind {
    kAllowList,  ///< Through a proxy of its own.
    kNat,        ///< An interface of its own, see sandbox/network/nat_session.
    kHost,       ///< The machine's network namespace.
  } kind = Kind::kAllowList;
  std::vector<base::NetworkRule> rules;  ///< kAllowList: not empty.
  /// kAllowList: open for appending; gets a line for each connection.
  base::UniqueFd log;
};

/// None for a stage without a network.
std::optional<NetworkAccess::Kind> network_kind(const scheduler::Network& network);
/// `open_log` is called for an allow-list.
base::Result<NetworkAccess> make_network_access(
    const scheduler::Network& network,
    const std::function<base::Result<base::UniqueFd>()>& open_log);

/// A log for appending that is gone with its last descriptor.
base::Result<base::UniqueFd> memory_log();

/// Where programs look for a proxy. What the environment says already stays. No `all_proxy`: some
/// clients refuse to start when they see a SOCKS proxy that they cannot use. `no_proxy` has the
/// names of the loopback, but for those that a rule names, and of the stage's services, which are
/// there. Not in the stage key: the rules are.
void add_proxy_variables(const std::vector<base::NetworkRule>& rules,
                         const std::vector<std::string>& services,
                         std::map<std::string, std::string>& environment);

}  // namespace stagebox::run
