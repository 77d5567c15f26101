#include "runtime/run/engine/connections.h"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "runtime/base/files.h"

namespace stagebox::run {
namespace {

using nlohmann::json;
using Verdict = Connection::Verdict;

// Twice 6,000 lines of at most some 600 bytes, see ConnectionLog.
constexpr std::size_t kLargestLog = std::size_t{16} << 20U;

std::uint64_t number_of(const json& line, const char* key, std::uint64_t otherwise = 0) {
  const auto found = line.find(key);
  return found != line.end() && found->is_number_unsigned() ? found->get<std::uint64_t>()
                                                            : otherwise;
}

std::string text_of(const json& line, const char* key) {
  const auto found = line.find(key);
  return found != line.end() && found->is_string() ? found->get<std::string>() : "";
}

Connection connection_of(const json& line) {
  Connection connection;
  connection.verdict =
      sandbox::network::verdict_of(text_of(line, "verdict")).value_or(Verdict::kMalformed);
  connection.time_ms = number_of(line, "time_ms");
  connection.protocol = text_of(line, "protocol");
  connection.host = text_of(line, "host");
  connection.port = number_of(line, "port");
  connection.address = text_of(line, "address");
  connection.reason = text_of(line, "reason");
  connection.sent = number_of(line, "sent");
  connection.received = number_of(line, "received");
  connection.duration_ms = number_of(line, "duration_ms");
  connection.count = number_of(line, "count", 1);
  return connection;
}

void name(const Connection& connection, std::vector<std::string>& named) {
  if (named.size() == ConnectionSummary::kMostNamed) return;
  std::string text =
      connection.host + ":" + std::to_string(connection.port) + " (" + connection.reason + ")";
  if (std::ranges::find(named, text) == named.end()) named.push_back(std::move(text));
}

void add(const Connection& connection, ConnectionSummary& summary) {
  summary.sent += connection.sent;
  summary.received += connection.received;
  switch (connection.verdict) {
    case Verdict::kAllowed:
      summary.allowed += connection.count;
      break;
    case Verdict::kFailed:
      summary.failed += connection.count;
      name(connection, summary.unreached);
      break;
    case Verdict::kMalformed:
      summary.malformed += connection.count;
      break;
    case Verdict::kRefused:
      name(connection, summary.refused);
      break;
  }
}

std::string list(std::string text, const std::vector<std::string>& named) {
  if (named.empty()) return "";
  const char* separator = " ";
  for (const std::string& one : named) {
    text += separator + one;
    separator = ", ";
  }
  return text;
}

std::string dump(const json& document) {
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

std::string connection_log_beside(const std::string& log_path) {
  constexpr std::string_view kLogEnd = ".log";
  const std::size_t kept =
      log_path.ends_with(kLogEnd) ? log_path.size() - kLogEnd.size() : log_path.size();
  return log_path.substr(0, kept).append(kConnectionLogEnd);
}

base::Result<std::string> read_connections(int log_fd) {
  if (::lseek(log_fd, 0, SEEK_SET) < 0) return base::errno_error("read the connection log");
  return base::read_all(log_fd, kLargestLog);
}

base::Result<std::string> read_connections_beside(const std::string& log_path) {
  const auto file = base::open_path(connection_log_beside(log_path), O_RDONLY | O_NOFOLLOW);
  if (file.ok()) return read_connections(file->get());
  if (file.error().errno_value == ENOENT) return std::string();
  return file.error();
}

std::uint64_t for_each_connection(std::string_view text,
                                  const std::function<void(const Connection&)>& act) {
  std::uint64_t omitted = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const json line = json::parse(text.substr(0, end), nullptr, false);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.is_object() && line.contains("omitted") && !line.contains("verdict")) {
      omitted += number_of(line, "omitted");
    } else {
      act(line.is_object() ? connection_of(line) : Connection{});
    }
  }
  return omitted;
}

base::Result<ConnectionSummary> summarise_connections(int log_fd) {
  const std::string text = TRY(read_connections(log_fd));
  ConnectionSummary summary;
  summary.omitted = for_each_connection(
      text, [&summary](const Connection& connection) { add(connection, summary); });
  return summary;
}

std::string connection_json(const Connection& connection) {
  json document{{"time_ms", connection.time_ms},
                {"verdict", std::string(name_of(connection.verdict))},
                {"sent", connection.sent},
                {"received", connection.received},
                {"duration_ms", connection.duration_ms},
                {"count", connection.count}};
  for (const auto& [key, text] :
       {std::pair{"protocol", &connection.protocol}, std::pair{"host", &connection.host},
        std::pair{"address", &connection.address}, std::pair{"reason", &connection.reason}}) {
    if (!text->empty()) document[key] = *text;
  }
  if (!connection.host.empty()) document["port"] = connection.port;
  return dump(document);
}

std::string connections_json(const ConnectionSummary& summary) {
  return dump({{"allowed", summary.allowed},
               {"failed", summary.failed},
               {"malformed", summary.malformed},
               {"omitted", summary.omitted},
               {"lost", summary.lost},
               {"cut_off", summary.cut_off},
               {"refused", summary.refused},
               {"sent", summary.sent},
               {"received", summary.received}});
}

std::string describe_refusals(const ConnectionSummary& summary) {
  return list("refused by the network allow-list:", summary.refused);
}

std::string describe_unreached(const ConnectionSummary& summary) {
  return list("could not be reached:", summary.unreached);
}

std::string describe_losses(const ConnectionSummary& summary) {
  if (summary.cut_off)
    return "its connections may not all be on record: the proxy was killed before it had written "
           "them";
  if (summary.lost == 0) return "";
  return std::to_string(summary.lost) +
         (summary.lost == 1 ? " connection is" : " connections are") +
         " not on record: the log of connections could not be written";
}

}  // namespace stagebox::run
