#include "sandbox/network/connection_log.h"

#include "runtime/base/files.h"

namespace stagebox::sandbox::network {
namespace {

std::int64_t now_ms() {
  using std::chrono::system_clock;
  const auto since = system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

// Names, addresses and our own texts hold nothing that JSON would have to escape.
void add_text(std::string& line, const char* key, std::string_view value) {
  line.append(",\"").append(key).append("\":\"").append(value).append("\"");
}

template <typename Number>
void add_number(std::string& line, const char* key, Number value) {
  line.append(",\"").append(key).append("\":").append(std::to_string(value));
}

}  // namespace

std::string to_json_line(const ConnectionEvent& event, std::int64_t time_ms,
                         std::uint64_t connections) {
  std::string line = "{\"time_ms\":" + std::to_string(time_ms);
  add_text(line, "verdict", name_of(event.verdict));
  if (event.protocol) add_text(line, "protocol", name_of(*event.protocol));
  if (event.target) {
    add_text(line, "host", event.target->host_text());
    add_number(line, "port", event.target->port);
  }
  if (event.address) add_text(line, "address", event.address->text());
  if (!event.reason.empty()) add_text(line, "reason", event.reason);
  add_number(line, "sent", event.bytes.sent);
  add_number(line, "received", event.bytes.received);
  add_number(line, "duration_ms", event.duration.count());
  if (connections != 1) add_number(line, "count", connections);
  return line + "}\n";
}

void ConnectionLog::add(const ConnectionEvent& event) {
  const std::scoped_lock lock(mutex_);
  Kind& kind = event.verdict == Verdict::kAllowed ? made_ : not_made_;
  if (++kind.events > kMostOfAKind) return add_shared(event, kind);
  write(to_json_line(event, now_ms()), 1);
}

void ConnectionLog::add_shared(const ConnectionEvent& event, Kind& kind) {
  End end{event.verdict, event.protocol, "", 0, event.reason};
  if (event.target) {
    end.host = event.target->host_text();
    end.port = event.target->port;
  }
  auto found = kind.shared.find(end);
  if (found == kind.shared.end()) {
    if (kind.shared.size() == kMostShared) {
      ++omitted_;
      return;
    }
    found = kind.shared.emplace(std::move(end), Shared{event, 0, 0}).first;
    found->second.sum.bytes = {};
    found->second.sum.duration = {};
  }
  Shared& shared = found->second;
  ++shared.connections;
  shared.last_ms = now_ms();
  shared.sum.bytes.sent += event.bytes.sent;
  shared.sum.bytes.received += event.bytes.received;
  shared.sum.duration += event.duration;
  // One of several.
  if (shared.sum.address != event.address) shared.sum.address.reset();
}

std::uint64_t ConnectionLog::finish() {
  const std::scoped_lock lock(mutex_);
  for (const Kind* kind : {&made_, &not_made_}) {
    for (const auto& [end, shared] : kind->shared)
      write(to_json_line(shared.sum, shared.last_ms, shared.connections), shared.connections);
  }
  if (omitted_ > 0) {
    write("{\"time_ms\":" + std::to_string(now_ms()) + ",\"omitted\":" + std::to_string(omitted_) +
              "}\n",
          omitted_);
  }
  return lost_;
}

// A full disk must not end the stage's connections; the stage meets it soon enough itself. That
// something is missing is told at the end.
void ConnectionLog::write(const std::string& line, std::uint64_t connections) {
  if (!base::write_all(fd_, line).ok()) lost_ += connections;
}

}  // namespace stagebox::sandbox::network
