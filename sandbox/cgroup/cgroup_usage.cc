#include "sandbox/cgroup/cgroup_usage.h"

#include <charconv>
#include <sstream>
#include <string_view>

#include "sandbox/cgroup/cgroup_files.h"

namespace stagebox::sandbox {
namespace {

using std::chrono::microseconds;
using Version = CgroupPlace::Version;

// The value after `key` in "... key=123 ..." lines, added up over all lines (cgroup-v2.rst, "Nested
// keyed").
std::uint64_t sum_of(const std::string& content, std::string_view key) {
  std::istringstream words(content);
  std::uint64_t sum = 0;
  for (std::string word; words >> word;) {
    if (word.size() > key.size() && word.starts_with(key) && word[key.size()] == '=')
      sum += parse_number(std::string_view(word).substr(key.size() + 1));
  }
  return sum;
}

// "some avg10=0.00 avg60=0.00 avg300=0.00 total=123", then the same for "full".
microseconds pressure_total(const std::string& content) {
  return microseconds(sum_of(content.substr(0, content.find('\n')), "total"));
}

// "8:0 Read 4096" lines, and a "Total" at the end (blkio-controller.rst).
std::uint64_t sum_of_operation(const std::string& content, std::string_view operation) {
  std::istringstream lines(content);
  std::uint64_t sum = 0;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string device;
    std::string name;
    std::uint64_t bytes = 0;
    if (words >> device >> name >> bytes && name == operation) sum += bytes;
  }
  return sum;
}

void add_usage_v2(const CgroupPlace& place, const std::string& dir, CgroupUsage& usage) {
  const std::string cpu = read_or_empty(dir + "/cpu.stat");
  usage.user_cpu = microseconds(keyed_value(cpu, "user_usec"));
  usage.system_cpu = microseconds(keyed_value(cpu, "system_usec"));
  if (place.has(Controller::kCpu))
    usage.cpu_throttled = microseconds(keyed_value(cpu, "throttled_usec"));
  if (place.has(Controller::kMemory)) {
    const std::string events = read_or_empty(dir + "/memory.events");
    usage.peak_memory = parse_number(read_or_empty(dir + "/memory.peak"));
    usage.memory_refused = keyed_value(events, "oom");
    usage.oom_kills = keyed_value(events, "oom_kill");
  }
  if (place.has(Controller::kPids))
    usage.pids_refused = keyed_value(read_or_empty(dir + "/pids.events"), "max");
  if (place.has(Controller::kIo)) {
    const std::string io = read_or_empty(dir + "/io.stat");
    usage.read_bytes = sum_of(io, "rbytes");
    usage.written_bytes = sum_of(io, "wbytes");
  }
  const std::string pressure = read_or_empty(dir + "/cpu.pressure");
  if (pressure.empty()) return;
  usage.pressure =
      Pressure{pressure_total(pressure), pressure_total(read_or_empty(dir + "/memory.pressure")),
               pressure_total(read_or_empty(dir + "/io.pressure"))};
}

microseconds from_nanoseconds(const std::string& path) {
  return microseconds(parse_number(read_or_empty(path)) / 1000);
}

// The two parts are counted in ticks of the clock, the whole exactly: the parts are scaled to it,
// as the kernel itself does for v2.
void add_cpu_time_v1(const std::string& dir, CgroupUsage& usage) {
  const microseconds whole = from_nanoseconds(dir + "/cpuacct.usage");
  const auto user = static_cast<double>(from_nanoseconds(dir + "/cpuacct.usage_user").count());
  const auto system = static_cast<double>(from_nanoseconds(dir + "/cpuacct.usage_sys").count());
  const double share = user + system > 0 ? user / (user + system) : 1;
  usage.user_cpu =
      microseconds(static_cast<std::int64_t>(static_cast<double>(whole.count()) * share));
  usage.system_cpu = whole - usage.user_cpu;
}

void add_usage_v1(const CgroupPlace& place, const std::string& dir, CgroupUsage& usage) {
  if (place.has(Controller::kCpuAccounting)) add_cpu_time_v1(dir, usage);
  if (place.has(Controller::kCpu)) {
    const std::string cpu = read_or_empty(dir + "/cpu.stat");
    usage.cpu_throttled = microseconds(keyed_value(cpu, "throttled_time") / 1000);
  }
  if (place.has(Controller::kMemory)) {
    usage.peak_memory = parse_number(read_or_empty(dir + "/memory.max_usage_in_bytes"));
    // Linux 4.13; the file's other lines say whether the killer is on and waiting.
    usage.oom_kills = keyed_value(read_or_empty(dir + "/memory.oom_control"), "oom_kill");
  }
  if (place.has(Controller::kPids))
    usage.pids_refused = keyed_value(read_or_empty(dir + "/pids.events"), "max");
  if (place.has(Controller::kIo)) {
    const std::string io = read_or_empty(dir + "/blkio.throttle.io_service_bytes");
    usage.read_bytes = sum_of_operation(io, "Read");
    usage.written_bytes = sum_of_operation(io, "Write");
  }
}

}  // namespace

void add_usage(const CgroupPlace& place, const std::string& dir, CgroupUsage& usage) {
  (place.version == Version::kV2 ? add_usage_v2 : add_usage_v1)(place, dir, usage);
}

microseconds cpu_time_used(const CgroupPlace& place, const std::string& dir) {
  if (place.version == Version::kV2)
    return microseconds(keyed_value(read_or_empty(dir + "/cpu.stat"), "usage_usec"));
  return from_nanoseconds(dir + "/cpuacct.usage");
}

}  // namespace stagebox::sandbox
