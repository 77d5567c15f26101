// Connections: what a sandbox with an allow-list connected to, as its proxy wrote it down
// (sandbox/network/connection_log.h). It was written by a process that read hostile bytes, so it is
// read as such: lines that are not understood are counted, nothing more.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"
#include "sandbox/network/verdict.h"

namespace stagebox::run {

/// One, or several with the same end. What is not known is empty or zero.
struct Connection {
  using Verdict = sandbox::network::Verdict;
  Verdict verdict = Verdict::kMalformed;
  std::uint64_t time_ms = 0;  ///< Since 1970, of its end; of the last one.
  std::string protocol;       ///< "http", "connect", "socks5".
  std::string host;
  std::uint64_t port = 0;
  std::string address;
  std::string reason;          ///< Why it was not made, or what ended it.
  std::uint64_t sent = 0;      ///< Bytes to the outside.
  std::uint64_t received = 0;  ///< Bytes from it.
  std::uint64_t duration_ms = 0;
  std::uint64_t count = 1;
};

struct ConnectionSummary {
  std::uint64_t allowed = 0;
  std::uint64_t failed = 0;  ///< Allowed, but not reached.
  std::uint64_t malformed = 0;
  /// More ends than the log takes: only counted, and what they were is not known (ConnectionLog).
  std::uint64_t omitted = 0;
  /// Not in the log, because it could not be written.
  std::uint64_t lost = 0;
  /// The proxy was killed before it could say that it has written everything.
  bool cut_off = false;
  std::uint64_t sent = 0;      ///< Bytes to the outside.
  std::uint64_t received = 0;  ///< Bytes from it.
  /// "HOST:PORT (reason)", each once, at most kMostNamed of them, in the order of the log.
  std::vector<std::string> refused;
  std::vector<std::string> unreached;  ///< The same of those that failed.
  static constexpr std::size_t kMostNamed = 20;

  [[nodiscard]] bool is_empty() const {
    return allowed + failed + malformed + omitted + lost == 0 && !cut_off && refused.empty();
  }
};

/// Of the log beside a stage's: what follows its name instead of ".log".
inline constexpr std::string_view kConnectionLogEnd = ".network.jsonl";
/// The path of the connection log of the attempt whose log this is.
std::string connection_log_beside(const std::string& log_path);

/// The log as it is, from its beginning. kInvalid when it is larger than any that was written by
/// us.
base::Result<std::string> read_connections(int log_fd);
/// Each line of it that tells of connections, understood or not, in its order. How many were only
/// counted.
std::uint64_t for_each_connection(std::string_view text,
                                  const std::function<void(const Connection&)>& act);
/// The log beside that of an attempt; empty when there is none.
base::Result<std::string> read_connections_beside(const std::string& log_path);
base::Result<ConnectionSummary> summarise_connections(int log_fd);

/// Objects, as docs/events.md has them.
std::string connection_json(const Connection& connection);
std::string connections_json(const ConnectionSummary& summary);

/// "refused by the network allow-list: a.org:80 (not in the allow-list)"; empty when nothing was.
std::string describe_refusals(const ConnectionSummary& summary);
/// "could not be reached: a.org:80 (connection refused)"; empty when all were.
std::string describe_unreached(const ConnectionSummary& summary);
/// "2 connections are not on record: ..."; empty when all of them are.
std::string describe_losses(const ConnectionSummary& summary);

}  // namespace stagebox::run
