// Fuzzes the proxy's handshake: bytes that come in pieces mean what they mean at once; a wish names
// a host and a port that an allow-list could name; what goes on to a web server is one head with
// nothing in it that was meant for the proxy.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "sandbox/network/handshake.h"

namespace {

using namespace stagebox::sandbox::network;

void require(bool condition) {
  if (!condition) std::abort();
}

struct Heard {
  Handshake::Step step;
  std::string replies;
  std::size_t used = 0;
};

Heard listen(std::string_view bytes, std::size_t piece) {
  Handshake handshake;
  Heard heard;
  while (heard.used < bytes.size()) {
    const std::string_view part = bytes.substr(heard.used, piece);
    heard.step = handshake.feed(part);
    heard.used += part.size();
    heard.replies += heard.step.reply;
    if (!std::holds_alternative<Handshake::NeedMore>(heard.step.outcome)) break;
  }
  return heard;
}

void check_http(const Handshake::Wish& wish) {
  const std::string_view head =
      std::string_view(wish.to_target).substr(0, wish.to_target.find("\r\n\r\n") + 4);
  require(head.ends_with("\r\nConnection: close\r\n\r\n"));
  require(head.find(" /") != std::string_view::npos);
  require(head.find("Proxy-Authorization:") == std::string_view::npos);
  require(head.find('\0') == std::string_view::npos);
}

void check_wish(const Handshake::Wish& wish) {
  require(wish.target.port != 0);
  const auto again = Target::make(wish.target.host_text(), wish.target.port);
  require(again.has_value() && again->host == wish.target.host);
  if (wish.protocol == Protocol::kHttp) check_http(wish);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Heard at_once = listen(bytes, size == 0 ? 1 : size);
  const Heard in_pieces = listen(bytes, 1);
  require(at_once.step.outcome.index() == in_pieces.step.outcome.index());
  require(at_once.replies == in_pieces.replies);
  const auto* wish = std::get_if<Handshake::Wish>(&at_once.step.outcome);
  if (wish == nullptr) return 0;
  check_wish(*wish);
  const auto& piecewise = std::get<Handshake::Wish>(in_pieces.step.outcome);
  require(piecewise.target.host == wish->target.host);
  require(piecewise.to_target + std::string(bytes.substr(in_pieces.used)) == wish->to_target);
  return 0;
}
