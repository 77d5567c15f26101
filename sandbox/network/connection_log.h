// ConnectionLog: one line of JSON for each connection that a stage asked for, whatever became of
// it. The lines go to a file that the supervisor opened; they are written by the proxy and not
// trusted by whoever reads them.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/base/ip_address.h"
#include "sandbox/network/handshake.h"
#include "sandbox/network/relay.h"
#include "sandbox/network/verdict.h"

namespace stagebox::sandbox::network {

struct ConnectionEvent {
  Verdict verdict = Verdict::kAllowed;
  std::optional<Protocol> protocol;        ///< None when malformed.
  std::optional<Target> target;            ///< None when malformed.
  std::optional<base::IpAddress> address;  ///< That it was connected to.
  std::string_view reason;                 ///< Why not; one of our own texts.
  RelayedBytes bytes;
  std::chrono::milliseconds duration{};
};

/// {"time_ms":...,"verdict":"allowed","protocol":"connect","host":"pypi.org","port":443,
///  "address":"...","sent":...,"received":...,"duration_ms":...} and a newline. `time_ms` counts
/// from 1970, at the end of the connection. Every field but time_ms, verdict, sent, received and
/// duration_ms may be absent. Of more than one `count` says how many, time_ms is of the last,
/// and bytes and durations are sums.
std::string to_json_line(const ConnectionEvent& event, std::int64_t time_ms,
                         std::uint64_t connections = 1);

/// Thread-safe.
class ConnectionLog {
 public:
  /// A stage that connects all day must not fill the disk: what comes after shares one line with
  /// all that had the same end: verdict, protocol, host, port and reason. Connections that were
  /// made, and wishes that came to nothing, have this many each: whoever asks for nonsense all the
  /// time does not hide where it was connected to.
  static constexpr std::uint64_t kMostOfAKind = 5'000;
  /// How many such shared lines, again of each kind; what comes after is only counted.
  static constexpr std::size_t kMostShared = 1'000;

  /// `fd` is open for appending and stays the caller's.
  explicit ConnectionLog(int fd) : fd_(fd) {}
  void add(const ConnectionEvent& event);
  /// Writes the shared lines, and how many events were left out, if any. How many connections are
  /// not in the log because it could not be written.
  std::uint64_t finish();

 private:
  /// `reason` is one of our own texts.
  struct End {
    Verdict verdict;
    std::optional<Protocol> protocol;
    std::string host;
    std::uint16_t port;
    std::string_view reason;
    friend auto operator<=>(const End&, const End&) = default;
  };
  struct Shared {
    ConnectionEvent sum;
    std::int64_t last_ms = 0;
    std::uint64_t connections = 0;
  };
  struct Kind {
    std::uint64_t events = 0;
    std::map<End, Shared> shared;
  };

  void add_shared(const ConnectionEvent& event, Kind& kind);
  void write(const std::string& line, std::uint64_t connections);

  int fd_;
  std::mutex mutex_;
  Kind made_;
  Kind not_made_;
  std::uint64_t omitted_ = 0;
  std::uint64_t lost_ = 0;
};

}  // namespace stagebox::sandbox::network
