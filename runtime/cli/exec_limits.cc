#include "runtime/cli/exec_limits.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "runtime/base/units.h"
#include "sandbox/capabilities.h"

namespace stagebox::cli {
namespace {

using base::Result;

template <typename Number>
Result<Number> parse_number(const std::string& text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value <= Number{0}) {
    return base::invalid("\"" + text + "\" is not a number above 0");
  }
  return value;
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

}  // namespace

Result<sandbox::Limits> parse_limits(const std::map<std::string, std::string>& texts) {
  const LimitTexts given(texts);
  const auto count = parse_number<std::uint64_t>;
  const auto bytes = [](const std::string& text) { return base::parse_bytes(text); };
  const auto time = [](const std::string& text) { return base::parse_duration(text); };
  sandbox::Limits limits;
  TRY(given.read("cpus", limits.cpus, parse_number<double>));
  TRY(given.read("cpu_weight", limits.cpu_weight, count));
  TRY(given.read("cpuset", limits.cpuset,
                 [](const std::string& text) { return Result<std::string>(text); }));
  TRY(given.read("cpu_time", limits.cpu_time, time));
  TRY(given.read("memory", limits.memory, bytes));
  TRY(given.read("pids", limits.pids, count));
  TRY(given.read("disk", limits.disk, bytes));
  TRY(given.read("inodes", limits.inodes, count));
  TRY(given.read("io_read", limits.io_read, bytes));
  TRY(given.read("io_write", limits.io_write, bytes));
  TRY(given.read("open_files", limits.open_files, count));
  return limits;
}

Result<std::uint64_t> parse_capabilities(const std::vector<std::string>& names) {
  std::uint64_t bits = 0;
  for (const std::string& name : names) {
    const auto bit = sandbox::capability_bit(name);
    if (!bit) return base::invalid("--capability: \"" + name + "\" is not a capability");
    bits |= *bit;
  }
  return bits;
}

}  // namespace stagebox::cli
