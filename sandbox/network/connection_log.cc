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

std::string_view name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kRefused:
      return "refused";
    case Verdict::kFailed:
      return "failed";
    case Verdict::kMalformed:
      return "malformed";
    case Verdict::kAllowed:
      break;
  }
  return "allowed";
}

std::string to_json_line(const ConnectionEvent& event, std::int64_t time_ms) {
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
  return line + "}\n";
}

void ConnectionLog::add(const ConnectionEvent& event) {
  const std::string line = to_json_line(event, now_ms());
  const std::scoped_lock lock(mutex_);
  if (++(event.verdict == Verdict::kAllowed ? made_ : not_made_) <= kMostOfAKind) {
    write(line);
  } else {
    ++omitted_;
  }
}

void ConnectionLog::finish() {
  const std::scoped_lock lock(mutex_);
  if (omitted_ == 0) return;
  write("{\"time_ms\":" + std::to_string(now_ms()) + ",\"omitted\":" + std::to_string(omitted_) +
        "}\n");
}

// A full disk must not end the stage's connections; the stage meets it soon enough itself.
void ConnectionLog::write(const std::string& line) const { (void)base::write_all(fd_, line); }

}  // namespace stagebox::sandbox::network
