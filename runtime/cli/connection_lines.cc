#include "runtime/cli/connection_lines.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "runtime/base/units.h"
#include "runtime/run/engine/connections.h"
#include "scheduler/diagnostics.h"

namespace stagebox::cli {
namespace {

using run::Connection;
using Verdict = Connection::Verdict;

/// No host's name is as long, nor any reason of ours.
constexpr std::size_t kLongestText = 300;

std::string shown(std::string_view text) {
  const bool fits = text.size() <= kLongestText;
  return scheduler::escape_controls(text.substr(0, kLongestText)) + (fits ? "" : "...");
}

/// Those with the same end as one.
class Ends {
 public:
  void add(const Connection& connection) {
    const auto [at, is_new] = index_.emplace(
        std::tuple(connection.verdict, connection.host, connection.port, connection.reason),
        list_.size());
    if (is_new) return list_.push_back(connection);
    Connection& sum = list_[at->second];
    sum.count += connection.count;
    sum.sent += connection.sent;
    sum.received += connection.received;
  }
  std::vector<Connection> take() {
    std::ranges::stable_sort(list_, {}, [](const Connection& connection) {
      return connection.verdict == Verdict::kAllowed;
    });
    return std::move(list_);
  }

 private:
  std::map<std::tuple<Verdict, std::string, std::uint64_t, std::string>, std::size_t> index_;
  std::vector<Connection> list_;
};

std::string line_of(const Connection& connection) {
  constexpr std::size_t kWidth = 10;
  std::string line(name_of(connection.verdict));
  line.resize(std::max(line.size() + 1, kWidth), ' ');
  if (connection.host.empty())
    line += "no request that a proxy understands";
  else
    line += shown(connection.host) + ":" + std::to_string(connection.port);
  if (!connection.reason.empty()) line += " (" + shown(connection.reason) + ")";
  if (connection.count != 1) line += ", " + base::counted(connection.count, "connection");
  if (connection.verdict == Verdict::kAllowed || connection.sent + connection.received != 0)
    line += ", " + base::format_bytes(connection.sent) + " sent, " +
            base::format_bytes(connection.received) + " received";
  return line;
}

}  // namespace

std::string connection_lines(std::string_view log, std::string_view indent) {
  Ends ends;
  std::uint64_t not_shown = run::for_each_connection(
      log, [&ends](const Connection& connection) { ends.add(connection); });
  const std::vector<Connection> list = ends.take();
  std::string lines;
  const auto add = [&](const std::string& line) { lines.append(indent).append(line).append("\n"); };
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (i < kMostConnectionLines)
      add(line_of(list[i]));
    else
      not_shown += list[i].count;
  }
  if (not_shown != 0) add("and " + std::to_string(not_shown) + " more, see --json");
  return lines;
}

}  // namespace stagebox::cli
