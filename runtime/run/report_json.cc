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
    json document{
        {"cause", "limit_hit"}, {"which", sandbox::limit_name(end.which)}, {"limit", end.limit}};
    if (end.wait_status) document["status"] = sandbox::shell_status_of(*end.wait_status);
    return document;
  }
  json operator()(const sandbox::Cancelled& end) const {
    json document{{"cause", "cancelled"}, {"signal", end.signal}};
    if (end.status) document["status"] = *end.status;
    return document;
  }
};

const char* name_of(sandbox::LikelyLimit::Which which) {
  using Which = sandbox::LikelyLimit::Which;
  switch (which) {
    case Which::kTmpfs:
      return "tmpfs";
    case Which::kTmpfsInodes:
      return "tmpfs_inodes";
    case Which::kDisk:
      return "disk";
    case Which::kInodes:
      return "inodes";
    case Which::kProcessCpuTime:
      return "process_cpu_time";
    case Which::kOpenFiles:
      break;
  }
  return "open_files";
}

json to_json(const sandbox::LikelyLimit& likely) {
  const bool by_log = likely.told_by == sandbox::LikelyLimit::ToldBy::kLog;
  json document{{"which", name_of(likely.which)},
                {"limit", likely.limit},
                {"told_by", by_log ? "log" : "kernel"}};
  if (!likely.path.empty()) document["path"] = likely.path;
  return document;
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

json document_of(const sandbox::ExitReport& report, const std::vector<CacheReport>& caches) {
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
  if (report.usage.peak_disk) document["usage"]["peak_disk"] = *report.usage.peak_disk;
  if (report.usage.peak_inodes) document["usage"]["peak_inodes"] = *report.usage.peak_inodes;
  if (const auto& pressure = report.usage.pressure) {
    document["usage"]["pressure_us"] = {{"cpu", pressure->cpu.count()},
                                        {"memory", pressure->memory.count()},
                                        {"io", pressure->io.count()}};
  }
  for (const sandbox::DeniedSyscall& denied : report.denied_syscalls)
    document["denied_syscalls"].push_back({{"name", denied.name}, {"count", denied.count}});
  for (const sandbox::LikelyLimit& likely : report.likely_limits)
    document["likely_limits"].push_back(to_json(likely));
  for (const sandbox::LimitHit& hit : report.also_reached)
    document["also_reached"].push_back(
        {{"which", sandbox::limit_name(hit.which)}, {"limit", hit.limit}});
  for (const CacheReport& cache : caches) document["caches"].push_back(to_json(cache));
  return document;
}

// A command's name can be any bytes.
std::string dump(const json& document) {
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

std::string report_json(const sandbox::ExitReport& report, const std::vector<CacheReport>& caches) {
  return dump(document_of(report, caches));
}

std::string report_json_with_connections(const sandbox::ExitReport& report,
                                         const ConnectionSummary& connections,
                                         const std::string& log) {
  json document = document_of(report, {});
  document["connections"] = json::parse(connections_json(connections));
  json& events = document["connection_events"] = json::array();
  (void)for_each_connection(log, [&events](const Connection& connection) {
    events.push_back(json::parse(connection_json(connection)));
  });
  return dump(document);
}

}  // namespace stagebox::run
