// HttpHead: the head of one HTTP/1.x request to a proxy, and what of it goes on to the origin
// server. It reads strictly: what two readers could understand differently is refused (RFC 9112,
// 11.2, "Request Smuggling"). Bodies are not its business: the connection belongs to one target
// from then on, whatever else is sent over it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/network/target.h"

namespace stagebox::sandbox::network {

struct HttpHead {
  bool is_connect = false;
  Target target;

  /// `text`: the request line and the header lines, each with its CRLF, without the empty line.
  static std::optional<HttpHead> parse(std::string_view text);
  /// The head for the origin server, the empty line included: the target in origin form, without
  /// the headers that were meant for the proxy, and asking to close when done. Its Host is the
  /// target, whatever the client wrote there (RFC 9112, 3.2.2): a server of many names must not
  /// take the request for one that no rule names. Not for CONNECT.
  [[nodiscard]] std::string for_origin() const;

 private:
  bool read_request_line(std::string_view line);
  bool read_absolute(std::string_view url);
  bool read_header(std::string_view line);

  std::string method_;
  std::string origin_form_;  ///< Path and query; never empty.
  std::string version_;
  std::vector<std::string> headers_;  ///< Whole lines without CRLF; not Host.
  bool names_host_ = false;
  bool is_framed_ = false;  ///< A header says where the body ends.
};

}  // namespace stagebox::sandbox::network
