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
    return {
        {"cause", "limit_hit"}, {"which", sandbox::limit_name(end.which)}, {"limit", end.limit}};
  }
  json operator()(const sandbox::Cancelled& end) const {
    json document{{"cause", "cancelled"}, {"signal", end.signal}};
    if (end.status) document["status"] = *end.status;
    return document;
  }
};

json to_json(const sandbox::LikelyLimit& likely) {
  using Which = sandbox::LikelyLimit::Which;
  if (likely.which == Which::kOpenFiles)
    return {{"which", "open_files"}, {"limit", likely.limit}, {"told_by", "log"}};
  return {{"which", likely.which == Which::kTmpfs ? "tmpfs" : "tmpfs_inodes"},
          {"path", likely.path},
          {"limit", likely.limit},
          {"told_by", "kernel"}};
}

json to_json(const CacheReport& cache) {
  json document{{"path", cache.path},
                {"key", cache.key},
                {"restored", std::string(to_string(cache.restored))},
                {"saved", cache.saved}};
  if (cache.restored != CacheRestored::kMiss) {
    document["restored_key"] = cache.restored_key;
    document["restored_domain"] = cache.restored_domain.text();
    document["restored_root"] = cache.restored_root.hex();
    document["restored_run"] = cache.restored_run;
  }
  if (!cache.saved) document["not_saved"] = cache.not_saved;
  return document;
}

}  // namespace

std::string report_json(const sandbox::ExitReport& report, const std::vector<CacheReport>& caches) {
  json document = std::visit(CauseJson{}, report.cause);
  document["description"] = report.describe();
  document["usage"] = {{"wall_ms", report.usage.wall.count()},
                       {"user_cpu_us", report.usage.user_cpu.count()},
                       {"system_cpu_us", report.usage.system_cpu.count()},
                       {"cpu_throttled_us", report.usage.cpu_throttled.count()},
                       {"peak_memory", report.usage.peak_memory},
                       {"processes", report.usage.processes},
                       {"log_bytes", report.usage.log_bytes},
                       {"read_bytes", report.usage.read_bytes},
                       {"written_bytes", report.usage.written_bytes}};
  if (const auto& pressure = report.usage.pressure) {
    document["usage"]["pressure_us"] = {{"cpu", pressure->cpu.count()},
                                        {"memory", pressure->memory.count()},
                                        {"io", pressure->io.count()}};
  }
  for (const sandbox::DeniedSyscall& denied : report.denied_syscalls)
    document["denied_syscalls"].push_back({{"name", denied.name}, {"count", denied.count}});
  for (const sandbox::LikelyLimit& likely : report.likely_limits)
    document["likely_limits"].push_back(to_json(likely));
  for (const CacheReport& cache : caches) document["caches"].push_back(to_json(cache));
  // A command's name can be any bytes.
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace stagebox::run
