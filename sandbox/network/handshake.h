// Handshake: what a client says to the proxy before it is connected: HTTP CONNECT (RFC
// 9110, 9.3.6), an HTTP request in absolute form (RFC 9112, 3.2.2) or SOCKS5 without authentication
// (RFC 1928). Which one it is shows in the first byte. Pure: bytes in, bytes and a target out.
// Everything that comes in is hostile.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "sandbox/network/target.h"

namespace stagebox::sandbox::network {

enum class Protocol { kConnect, kHttp, kSocks5 };
std::string_view name_of(Protocol protocol);

/// How the wish of a client ended, as each protocol can tell it.
enum class Answer {
  kConnected,
  kRefused,      ///< By the allow-list.
  kUnreachable,  ///< Resolving or connecting failed.
};

class Handshake {
 public:
  /// Bytes of one HTTP head. Servers commonly take 8 to 32 KiB.
  static constexpr std::size_t kMaxHead = std::size_t{64} << 10U;

  struct NeedMore {};
  struct Wish {
    Protocol protocol = Protocol::kConnect;
    Target target;
    std::string to_target;  ///< What has to be sent there first; may be empty.
  };
  struct Malformed {
    std::string_view reason;
  };
  struct Step {
    std::string reply;  ///< To be sent to the client before anything else; mostly empty.
    std::variant<NeedMore, Wish, Malformed> outcome;
  };

  /// Takes more bytes. Not to be called again after a Wish or Malformed.
  Step feed(std::string_view bytes);
  /// What the client is told about its wish.
  [[nodiscard]] static std::string reply(Protocol protocol, Answer answer);

 private:
  Step feed_http();
  Step feed_socks();
  Step socks_methods();
  Step socks_request();

  std::string buffer_;
  bool greeted_ = false;  ///< SOCKS5: the method is agreed on.
};

}  // namespace stagebox::sandbox::network
