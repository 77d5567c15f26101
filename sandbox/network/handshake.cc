#include "sandbox/network/handshake.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "sandbox/network/http_head.h"

namespace stagebox::sandbox::network {
namespace {

constexpr char kSocksVersion = 5;
constexpr char kNoAuthentication = 0;
constexpr char kNoAcceptableMethod = '\xff';
constexpr char kConnectCommand = 1;

// RFC 1928, 4: the address types.
enum class AddressType : unsigned char { kV4 = 1, kName = 3, kV6 = 4 };
// RFC 1928, 6: the reply codes.
enum class SocksReply : unsigned char {
  kSucceeded = 0,
  kNotAllowed = 2,
  kHostUnreachable = 4,
  kCommandUnsupported = 7,
  kAddressUnsupported = 8,
};

std::size_t byte_at(const std::string& text, std::size_t index) {
  return static_cast<unsigned char>(text[index]);
}

// With an address of 0.0.0.0:0: clients do not need ours, and it is none of their business.
std::string socks_reply(SocksReply code) {
  return {kSocksVersion, static_cast<char>(code), 0, 1, 0, 0, 0, 0, 0, 0};
}

std::string http_reply(std::string_view status, std::string_view text) {
  std::string reply = "HTTP/1.1 " + std::string(status) +
                      "\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: " +
                      std::to_string(text.size()) + "\r\n\r\n";
  return reply.append(text);
}

Handshake::Step bad_request(std::string_view reason) {
  return {http_reply("400 Bad Request", "stagebox: the proxy cannot read this request\n"),
          Handshake::Malformed{reason}};
}

Handshake::Step need_more() { return {"", Handshake::NeedMore{}}; }

Handshake::Step malformed(std::string reply, std::string_view reason) {
  return {std::move(reply), Handshake::Malformed{reason}};
}

}  // namespace

std::string_view name_of(Protocol protocol) {
  switch (protocol) {
    case Protocol::kHttp:
      return "http";
    case Protocol::kSocks5:
      return "socks5";
    case Protocol::kConnect:
      break;
  }
  return "connect";
}

std::string Handshake::reply(Protocol protocol, Answer answer) {
  if (protocol == Protocol::kSocks5) {
    switch (answer) {
      case Answer::kConnected:
        return socks_reply(SocksReply::kSucceeded);
      case Answer::kRefused:
        return socks_reply(SocksReply::kNotAllowed);
      case Answer::kUnreachable:
        return socks_reply(SocksReply::kHostUnreachable);
    }
  }
  switch (answer) {
    case Answer::kConnected:
      // For a plain request the target itself answers.
      return protocol == Protocol::kConnect ? "HTTP/1.1 200 Connection established\r\n\r\n" : "";
    case Answer::kRefused:
      return http_reply("403 Forbidden",
                        "stagebox: this connection is not in the stage's network allow-list\n");
    case Answer::kUnreachable:
      break;
  }
  return http_reply("502 Bad Gateway", "stagebox: the host cannot be reached\n");
}

Handshake::Step Handshake::feed(std::string_view bytes) {
  buffer_.append(bytes);
  if (buffer_.empty()) return need_more();
  const bool is_socks = greeted_ || buffer_.front() == kSocksVersion;
  return is_socks ? feed_socks() : feed_http();
}

Handshake::Step Handshake::feed_http() {
  const std::size_t end = buffer_.find("\r\n\r\n");
  if (end > kMaxHead) {  // npos too
    if (buffer_.size() > kMaxHead) return bad_request("the head of the request is too long");
    return need_more();
  }
  const auto head = HttpHead::parse(std::string_view(buffer_).substr(0, end + 2));
  if (!head) return bad_request("it is no request to a proxy");
  const std::string_view rest = std::string_view(buffer_).substr(end + 4);
  if (head->is_connect) return {"", Wish{Protocol::kConnect, head->target, std::string(rest)}};
  return {"", Wish{Protocol::kHttp, head->target, head->for_origin().append(rest)}};
}

Handshake::Step Handshake::feed_socks() { return greeted_ ? socks_request() : socks_methods(); }

Handshake::Step Handshake::socks_methods() {
  if (buffer_.size() < 2 || buffer_.size() < 2 + byte_at(buffer_, 1)) return need_more();
  const std::string_view methods = std::string_view(buffer_).substr(2, byte_at(buffer_, 1));
  if (methods.find(kNoAuthentication) == std::string_view::npos)
    return malformed({kSocksVersion, kNoAcceptableMethod}, "it wants to authenticate");
  buffer_.erase(0, 2 + methods.size());
  greeted_ = true;
  // A client may send its request without waiting for the answer to its greeting.
  Step next = socks_request();
  next.reply.insert(0, std::string{kSocksVersion, kNoAuthentication});
  return next;
}

Handshake::Step Handshake::socks_request() {
  constexpr std::size_t kFixed = 4;
  if (buffer_.size() < kFixed + 1) return need_more();
  if (buffer_[0] != kSocksVersion || buffer_[2] != 0)
    return malformed("", "it is no SOCKS request");
  if (buffer_[1] != kConnectCommand)
    return malformed(socks_reply(SocksReply::kCommandUnsupported), "only CONNECT is offered");
  std::size_t start = kFixed;
  std::size_t length = 0;
  const auto type = static_cast<AddressType>(buffer_[3]);
  if (type == AddressType::kV4) {
    length = 4;
  } else if (type == AddressType::kV6) {
    length = base::IpAddress::kBytes;
  } else if (type == AddressType::kName) {
    length = byte_at(buffer_, kFixed);
    ++start;
  } else {
    return malformed(socks_reply(SocksReply::kAddressUnsupported),
                     "its kind of address is unknown");
  }
  if (buffer_.size() < start + length + 2) return need_more();
  const auto* address = reinterpret_cast<const std::uint8_t*>(buffer_.data() + start);
  const auto port = static_cast<std::uint16_t>(byte_at(buffer_, start + length) << 8U |
                                               byte_at(buffer_, start + length + 1));
  std::optional<Target> target;
  if (type == AddressType::kName) {
    target = Target::make(std::string_view(buffer_).substr(start, length), port);
  } else if (port != 0) {
    target = Target{type == AddressType::kV4 ? base::IpAddress::from_v4(address)
                                             : base::IpAddress::from_v6(address),
                    port};
  }
  if (!target)
    return malformed(socks_reply(SocksReply::kAddressUnsupported), "it names no host and port");
  return {"", Wish{Protocol::kSocks5, std::move(*target), buffer_.substr(start + length + 2)}};
}

}  // namespace stagebox::sandbox::network
