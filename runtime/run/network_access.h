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
/// clients refuse to start when they see a SOCKS proxy that they cannot use. Not in the stage key:
/// the rules are.
void add_proxy_variables(std::map<std::string, std::string>& environment);

/// A connection log read back. It was written by a process that read hostile bytes, so it is read
/// as such: lines that are not understood are counted, nothing more.
struct ConnectionSummary {
  std::uint64_t allowed = 0;
  std::uint64_t failed = 0;  ///< Allowed, but not reached.
  std::uint64_t malformed = 0;
  /// More than the log takes: only counted, and what they were is not known (ConnectionLog).
  std::uint64_t omitted = 0;
  std::uint64_t sent = 0;      ///< Bytes to the outside.
  std::uint64_t received = 0;  ///< Bytes from it.
  /// "HOST:PORT (reason)", each once, at most kMostRefused of them, in the order of the log.
  std::vector<std::string> refused;
  static constexpr std::size_t kMostRefused = 20;

  [[nodiscard]] bool is_empty() const {
    return allowed + failed + malformed + omitted == 0 && refused.empty();
  }
};
base::Result<ConnectionSummary> summarise_connections(int log_fd);
/// The log as it is, from its beginning.
base::Result<std::string> read_connections(int log_fd);

/// "refused by the network allow-list: a.org:80 (not in the allow-list)"; empty when nothing was.
std::string describe_refusals(const ConnectionSummary& summary);

}  // namespace stagebox::run
