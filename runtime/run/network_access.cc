#include "runtime/run/network_access.h"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "runtime/base/files.h"
#include "runtime/base/network_rule.h"
#include "sandbox/network/proxy_server.h"

namespace stagebox::run {
namespace {

using nlohmann::json;

// Twice 5,000 lines of at most some 600 bytes, see ConnectionLog.
constexpr std::size_t kLargestLog = std::size_t{16} << 20U;

std::uint64_t number_of(const json& line, const char* key) {
  const auto found = line.find(key);
  return found != line.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

std::string text_of(const json& line, const char* key) {
  const auto found = line.find(key);
  return found != line.end() && found->is_string() ? found->get<std::string>() : "";
}

void add_refusal(const json& line, ConnectionSummary& summary) {
  std::string text = text_of(line, "host") + ":" + std::to_string(number_of(line, "port")) + " (" +
                     text_of(line, "reason") + ")";
  if (summary.refused.size() < ConnectionSummary::kMostRefused &&
      std::ranges::find(summary.refused, text) == summary.refused.end()) {
    summary.refused.push_back(std::move(text));
  }
}

void add_line(std::string_view text, ConnectionSummary& summary) {
  const json line = json::parse(text, nullptr, false);
  if (!line.is_object()) {
    ++summary.malformed;
    return;
  }
  if (line.contains("omitted") && !line.contains("verdict")) {
    summary.omitted += number_of(line, "omitted");
    return;
  }
  const std::string verdict = text_of(line, "verdict");
  if (verdict == "allowed") {
    ++summary.allowed;
  } else if (verdict == "failed") {
    ++summary.failed;
  } else if (verdict == "refused") {
    add_refusal(line, summary);
  } else {
    ++summary.malformed;
  }
  summary.sent += number_of(line, "sent");
  summary.received += number_of(line, "received");
}

}  // namespace

std::optional<NetworkAccess::Kind> network_kind(const scheduler::Network& network) {
  switch (network.mode) {
    case scheduler::Network::Mode::kNone:
      break;
    case scheduler::Network::Mode::kNat:
      return NetworkAccess::Kind::kNat;
    case scheduler::Network::Mode::kHost:
      return NetworkAccess::Kind::kHost;
    case scheduler::Network::Mode::kAllow:
      return NetworkAccess::Kind::kAllowList;
  }
  return std::nullopt;
}

base::Result<NetworkAccess> make_network_access(
    const scheduler::Network& network,
    const std::function<base::Result<base::UniqueFd>()>& open_log) {
  const auto kind = network_kind(network);
  if (!kind) return base::invalid("no network was asked for");
  NetworkAccess access;
  access.kind = *kind;
  if (access.kind != NetworkAccess::Kind::kAllowList) return access;
  access.rules = network.allow;
  access.log = TRY(open_log());
  return access;
}

base::Result<base::UniqueFd> memory_log() {
  base::UniqueFd log(::memfd_create("connections", MFD_CLOEXEC));
  if (!log) return base::errno_error("create a memory file");
  if (::fcntl(log.get(), F_SETFL, O_APPEND) != 0) return base::errno_error("open a memory file");
  return log;
}

void add_proxy_variables(std::map<std::string, std::string>& environment) {
  const std::string proxy = "http://127.0.0.1:" + std::to_string(sandbox::network::kProxyPort);
  for (const char* name : {"http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"})
    environment.try_emplace(name, proxy);
  for (const char* name : {"no_proxy", "NO_PROXY"})
    environment.try_emplace(name, "localhost,127.0.0.1,::1");
}

base::Result<std::string> read_connections(int log_fd) {
  if (::lseek(log_fd, 0, SEEK_SET) < 0) return base::errno_error("read the connection log");
  return base::read_all(log_fd, kLargestLog);
}

base::Result<ConnectionSummary> summarise_connections(int log_fd) {
  const std::string text = TRY(read_connections(log_fd));
  ConnectionSummary summary;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t end = rest.find('\n');
    add_line(rest.substr(0, end), summary);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  return summary;
}

std::string describe_refusals(const ConnectionSummary& summary) {
  if (summary.refused.empty()) return "";
  std::string text = "refused by the network allow-list:";
  const char* separator = " ";
  for (const std::string& refused : summary.refused) {
    text += separator + refused;
    separator = ", ";
  }
  return text;
}

}  // namespace stagebox::run
