#include "sandbox/network/http_head.h"

#include <algorithm>
#include <array>
#include <utility>

#include "runtime/base/parse_number.h"

namespace stagebox::sandbox::network {
namespace {

constexpr std::string_view kCrLf = "\r\n";
constexpr std::uint16_t kHttpPort = 80;
// Between client and proxy only (RFC 9110, 7.6.1, and what clients really send).
constexpr std::array<std::string_view, 5> kHopByHop = {
    "connection", "keep-alive", "proxy-connection", "proxy-authorization", "upgrade"};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// RFC 9110, 5.6.2: the characters of methods and header names.
bool is_token_char(char c) {
  static constexpr std::string_view kSpecial = "!#$%&'*+-.^_`|~";
  const char low = lower(c);
  return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') ||
         kSpecial.find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_token_char);
}

// No control characters, above all no bare CR or LF and no NUL.
bool is_clean(std::string_view text) {
  return std::ranges::none_of(text, [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
}

bool equals_ignoring_case(std::string_view text, std::string_view low) {
  return std::ranges::equal(text, low, [](char a, char b) { return lower(a) == b; });
}

bool is_hop_by_hop(std::string_view name) {
  return std::ranges::any_of(kHopByHop,
                             [&](std::string_view hop) { return equals_ignoring_case(name, hop); });
}

// Where a body ends. With two of them, one reader goes by the first and another by the second.
bool is_framing(std::string_view name) {
  return equals_ignoring_case(name, "content-length") ||
         equals_ignoring_case(name, "transfer-encoding");
}

// The other way round: as it stands in a Host header (RFC 9110, 7.2).
std::string authority_of(const Target& target) {
  std::string text = target.host_text();
  if (text.find(':') != std::string::npos) text = "[" + text + "]";
  if (target.port != kHttpPort) text += ":" + std::to_string(target.port);
  return text;
}

// "HOST:PORT", "[V6]:PORT"; the port may be left out when there is a default.
std::optional<Target> parse_authority(std::string_view text,
                                      std::optional<std::uint16_t> standard) {
  std::string_view host = text;
  std::string_view digits;
  const std::size_t bracket = text.rfind(']');
  const std::size_t colon = text.rfind(':');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    host = text.substr(0, colon);
    digits = text.substr(colon + 1);
  }
  std::uint16_t port = standard.value_or(0);
  if (!digits.empty() || !standard) {
    const auto given = base::parse_number<std::uint16_t>(digits);
    if (!given) return std::nullopt;
    port = *given;
  }
  if (host.starts_with('[') != host.ends_with(']')) return std::nullopt;
  const bool in_brackets = host.starts_with('[') && host.size() > 2;
  if (in_brackets) host = host.substr(1, host.size() - 2);
  // Brackets are for IPv6 and IPv6 is for brackets.
  if (in_brackets != (host.find(':') != std::string_view::npos)) return std::nullopt;
  return Target::make(host, port);
}

}  // namespace

bool HttpHead::read_absolute(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  if (url.size() < kScheme.size() || !equals_ignoring_case(url.substr(0, kScheme.size()), kScheme))
    return false;
  url.remove_prefix(kScheme.size());
  const std::size_t end = url.find_first_of("/?#");
  const auto found = parse_authority(url.substr(0, end), kHttpPort);
  if (!found) return false;
  target = *found;
  origin_form_ = end == std::string_view::npos ? "/" : std::string(url.substr(end));
  if (!origin_form_.starts_with('/')) origin_form_.insert(0, "/");
  return origin_form_.find('#') == std::string::npos;
}

bool HttpHead::read_request_line(std::string_view line) {
  const std::size_t first = line.find(' ');
  const std::size_t second = line.find(' ', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) return false;
  method_ = line.substr(0, first);
  const std::string_view where = line.substr(first + 1, second - first - 1);
  version_ = line.substr(second + 1);
  if (!is_token(method_) || (version_ != "HTTP/1.1" && version_ != "HTTP/1.0")) return false;
  is_connect = method_ == "CONNECT";
  if (!is_connect) return read_absolute(where);
  const auto found = parse_authority(where, std::nullopt);
  if (found) target = *found;
  return found.has_value();
}

bool HttpHead::read_header(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return false;
  const std::string_view name = line.substr(0, colon);
  if (!is_token(name) || (is_framing(name) && std::exchange(is_framed_, true))) return false;
  // for_origin() writes its own.
  if (equals_ignoring_case(name, "host")) return !std::exchange(names_host_, true);
  if (!is_hop_by_hop(name)) headers_.emplace_back(line);
  return true;
}

std::optional<HttpHead> HttpHead::parse(std::string_view text) {
  HttpHead head;
  bool is_first = true;
  while (!text.empty()) {
    const std::size_t end = text.find(kCrLf);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + kCrLf.size());
    if (!is_clean(line)) return std::nullopt;
    if (is_first) {
      if (!head.read_request_line(line)) return std::nullopt;
      is_first = false;
      continue;
    }
    if (!head.read_header(line)) return std::nullopt;
  }
  if (is_first) return std::nullopt;
  return head;
}

std::string HttpHead::for_origin() const {
  std::string text = method_ + " " + origin_form_ + " " + version_;
  text.append(kCrLf).append("Host: ").append(authority_of(target)).append(kCrLf);
  for (const std::string& header : headers_) text.append(header).append(kCrLf);
  return text.append("Connection: close").append(kCrLf).append(kCrLf);
}

}  // namespace stagebox::sandbox::network
