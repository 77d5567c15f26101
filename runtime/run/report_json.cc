#include "runtime/run/report_json.h"

#include <nlohmann/json.hpp>

namespace stagebox::run {
namespace {

using nlohmann::json;

struct CauseJson {
  json operator()(const sandbox::Exited& end) const {
    return {{"cause", "exited"}, {"status", end.status}};
  }
  json operator()(const sandbox::Signaled& end) const {
    return {{"cause", "signaled"}, {"signal", end.signal}};
  }
  json operator()(const sandbox::TimedOut& end) const {
    return {{"cause", "timed_out"}, {"limit_ms", end.limit.count()}};
  }
  json operator()(const sandbox::OomKilled& end) const {
    return {{"cause", "oom_killed"}, {"limit", end.limit}};
  }
  json operator()(const sandbox::LimitHit& end) const {
    static constexpr const char* kNames[] = {"pids", "disk", "log"};
    return {{"cause", "limit_hit"},
            {"which", kNames[static_cast<int>(end.which)]},
            {"limit", end.limit}};
  }
  json operator()(const sandbox::SyscallDenied& end) const {
    return {{"cause", "syscall_denied"}, {"syscall", end.name}};
  }
  json operator()(const sandbox::Cancelled& /*end*/) const { return {{"cause", "cancelled"}}; }
};

}  // namespace

std::string report_json(const sandbox::ExitReport& report) {
  json document = std::visit(CauseJson{}, report.cause);
  document["description"] = report.describe();
  document["usage"] = {{"wall_ms", report.usage.wall.count()},
                       {"user_cpu_us", report.usage.user_cpu.count()},
                       {"system_cpu_us", report.usage.system_cpu.count()},
                       {"peak_memory", report.usage.peak_memory},
                       {"processes", report.usage.processes},
                       {"log_bytes", report.usage.log_bytes}};
  // A command's name can be any bytes.
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace stagebox::run
