// ConnectionLog: one line of JSON for each connection that a stage asked for, whatever became of
// it. The lines go to a file that the supervisor opened; they are written by the proxy and not
// trusted by whoever reads them.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/base/ip_address.h"
#include "sandbox/network/handshake.h"
#include "sandbox/network/relay.h"

namespace stagebox::sandbox::network {

enum class Verdict {
  kAllowed,
  kRefused,    ///< By the allow-list.
  kFailed,     ///< Allowed, but it could not be resolved or connected.
  kMalformed,  ///< It was no request that a proxy understands.
};
std::string_view name_of(Verdict verdict);

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
/// duration_ms may be absent.
std::string to_json_line(const ConnectionEvent& event, std::int64_t time_ms);

/// Thread-safe.
class ConnectionLog {
 public:
  /// A stage that connects all day must not fill the disk: what comes after is only counted.
  /// Connections that were made, and wishes that came to nothing, have this many each: whoever
  /// asks for nonsense all the time does not hide where it was connected to.
  static constexpr std::uint64_t kMostOfAKind = 5'000;

  /// `fd` is open for appending and stays the caller's.
  explicit ConnectionLog(int fd) : fd_(fd) {}
  void add(const ConnectionEvent& event);
  /// Says how many events were left out, if any.
  void finish();

 private:
  void write(const std::string& line) const;

  int fd_;
  std::mutex mutex_;
  std::uint64_t made_ = 0;
  std::uint64_t not_made_ = 0;
  std::uint64_t omitted_ = 0;
};

}  // namespace stagebox::sandbox::network
