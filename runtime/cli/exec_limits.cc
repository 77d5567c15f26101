#include "runtime/cli/exec_limits.h"

#include <sys/resource.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "runtime/base/capabilities.h"
#include "runtime/base/parse_number.h"
#include "runtime/base/printable.h"
#include "runtime/base/units.h"
#include "sandbox/spec/rlimit_names.h"
#include "scheduler/file/resource_ranges.h"
#include "scheduler/processor_list.h"

namespace stagebox::cli {
namespace {

using base::Result;

template <typename T>
base::Error outside_of(const scheduler::Range<T>& range, const std::string& text,
                       const std::string& least, const std::string& most) {
  std::string message = base::printable(text) + " is not from " + least + " to " + most;
  if (!range.reason.empty()) message += ": " + std::string(range.reason);
  return base::invalid(std::move(message));
}

// As a pipeline file says it.
template <typename Number>
auto number_within(const scheduler::Range<Number>& range) {
  return [&range](const std::string& text) -> Result<Number> {
    const auto value = base::parse_number<Number>(text);
    if (value && range.has(*value)) return *value;
    const auto shown = [](Number bound) {
      const std::string digits = std::to_string(bound);
      return bound < Number{1} ? digits.substr(0, 4) : digits.substr(0, digits.find('.'));
    };
    return outside_of(range, text, shown(range.least), shown(range.most));
  };
}

auto bytes_within(const scheduler::Range<std::uint64_t>& range) {
  return [&range](const std::string& text) -> Result<std::uint64_t> {
    const std::uint64_t bytes = TRY(base::parse_bytes(text));
    if (range.has(bytes)) return bytes;
    return outside_of(range, text, base::format_bytes(range.least), base::format_bytes(range.most));
  };
}

Result<std::string> parse_cpuset(const std::string& text) {
  if (scheduler::parse_processor_list(text)) return text;
  return base::invalid(base::printable(text) +
                       " is not a list of processors; write for example 0-3,6");
}

class LimitTexts {
 public:
  explicit LimitTexts(const std::map<std::string, std::string>& texts) : texts_(texts) {}

  // Leaves `limit` alone when the option was not given.
  template <typename T, typename Parse>
  Result<void> read(const std::string& name, std::optional<T>& limit, Parse parse) const {
    const auto found = texts_.find(name);
    if (found == texts_.end()) return {};
    auto value = parse(found->second);
    if (!value.ok()) {
      std::string option = "--" + name;
      std::ranges::replace(option, '_', '-');
      return base::Error(value.error()).with_context(option);
    }
    limit = *value;
    return {};
  }

 private:
  const std::map<std::string, std::string>& texts_;
};

Result<std::uint64_t> parse_rlimit(const std::string& text) {
  if (text == "unlimited" || text == "-1") return std::uint64_t{RLIM_INFINITY};
  const auto value = base::parse_number<std::uint64_t>(text);
  if (!value)
    return base::invalid(base::printable(text) + " is neither a number nor \"unlimited\"");
  return *value;
}

// "NAME=SOFT[:HARD]"
Result<sandbox::Rlimit> parse_ulimit(const std::string& text) {
  const std::size_t equals = text.find('=');
  const std::string name = text.substr(0, equals);
  const auto resource = sandbox::rlimit_by_name(name);
  if (!resource || equals == std::string::npos)
    return base::invalid("it is not of the form NAME=SOFT[:HARD] with a name of getrlimit(2)");
  const std::string values = text.substr(equals + 1);
  const std::size_t colon = values.find(':');
  sandbox::Rlimit rlimit;
  rlimit.resource = *resource;
  rlimit.soft = TRY(parse_rlimit(values.substr(0, colon)));
  rlimit.hard =
      colon == std::string::npos ? rlimit.soft : TRY(parse_rlimit(values.substr(colon + 1)));
  if (rlimit.resource == RLIMIT_CORE && rlimit.hard != 0)
    return base::invalid(
        "what a dump of memory becomes is the machine's business "
        "(core_pattern), outside of the sandbox; sandboxes leave none: core=0");
  if (rlimit.soft > rlimit.hard) return base::invalid("the soft limit is above the hard one");
  struct rlimit own{};
  if (::getrlimit(static_cast<__rlimit_resource_t>(*resource), &own) != 0)
    return base::errno_error("read the limit");
  if (rlimit.hard > own.rlim_max)
    return base::unsupported("this process itself may have " + std::to_string(own.rlim_max) +
                             " at most (`ulimit -H`)");
  return rlimit;
}

}  // namespace

Result<void> add_ulimits(const std::vector<std::string>& texts, const sandbox::Limits& limits,
                         std::vector<sandbox::Rlimit>& rlimits) {
  for (const std::string& text : texts) {
    const auto parsed = parse_ulimit(text);
    if (!parsed.ok()) return base::Error(parsed.error()).with_context("--ulimit " + text);
    if (parsed->resource == RLIMIT_NOFILE && limits.open_files)
      return base::invalid("--ulimit nofile and --open-files are the same limit");
    // What sandboxes have anyway keeps dumps from a core_pattern that is a pipe, too, as 0 does
    // not.
    if (parsed->resource == RLIMIT_CORE) continue;
    std::erase_if(rlimits, [&](const auto& known) { return known.resource == parsed->resource; });
    rlimits.push_back(*parsed);
  }
  return {};
}

Result<std::chrono::milliseconds> parse_time_limit(const std::string& text) {
  const auto time = TRY(base::parse_duration(text));
  if (time.count() > 0) return time;
  return base::invalid(base::printable(text) + " is no time at all; write for example 90s or 10m");
}

Result<sandbox::Limits> parse_limits(const std::map<std::string, std::string>& texts) {
  const LimitTexts given(texts);
  sandbox::Limits limits;
  TRY(given.read("cpus", limits.cpus, number_within(scheduler::kCpuRange)));
  TRY(given.read("cpu_weight", limits.cpu_weight, number_within(scheduler::kWeightRange)));
  TRY(given.read("cpuset", limits.cpuset, parse_cpuset));
  TRY(given.read("cpu_time", limits.cpu_time, parse_time_limit));
  TRY(given.read("memory", limits.memory, bytes_within(scheduler::kMemoryRange)));
  TRY(given.read("shm_size", limits.shm_size, bytes_within(scheduler::kShmRange)));
  TRY(given.read("pids", limits.pids, number_within(scheduler::kPidsRange)));
  TRY(given.read("disk", limits.disk, bytes_within(scheduler::kDiskRange)));
  TRY(given.read("inodes", limits.inodes, number_within(scheduler::kInodesRange)));
  TRY(given.read("io_read", limits.io_read, bytes_within(scheduler::kIoRange)));
  TRY(given.read("io_write", limits.io_write, bytes_within(scheduler::kIoRange)));
  TRY(given.read("open_files", limits.open_files, number_within(scheduler::kOpenFilesRange)));
  return limits;
}

Result<std::uint64_t> parse_capabilities(const std::vector<std::string>& names) {
  std::uint64_t bits = 0;
  for (const std::string& name : names) {
    const auto bit = base::capability_bit(name);
    if (!bit) return base::invalid("--capability: \"" + name + "\" is not a capability");
    bits |= *bit;
  }
  return bits;
}

}  // namespace stagebox::cli
