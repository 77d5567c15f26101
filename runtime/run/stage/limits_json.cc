#include "runtime/run/stage/limits_json.h"

#include <nlohmann/json.hpp>

#include <array>
#include <utility>

namespace stagebox::run {
namespace {

using nlohmann::json;
using sandbox::Limits;

using Counted = std::optional<std::uint64_t> Limits::*;
constexpr std::array<std::pair<const char*, Counted>, 11> kCounted{{
    {"cpu_weight", &Limits::cpu_weight},
    {"memory", &Limits::memory},
    {"shm_size", &Limits::shm_size},
    {"memory_reservation", &Limits::memory_reservation},
    {"pids", &Limits::pids},
    {"disk", &Limits::disk},
    {"inodes", &Limits::inodes},
    {"io_read", &Limits::io_read},
    {"io_write", &Limits::io_write},
    {"open_files", &Limits::open_files},
    {"log", &Limits::log},
}};

void take(const std::string& name, const json& value, Limits& limits) {
  for (const auto& [known, member] : kCounted) {
    if (name == known) {
      limits.*member = value.get<std::uint64_t>();
      return;
    }
  }
  if (name == "cpus")
    limits.cpus = value.get<double>();
  else if (name == "cpuset")
    limits.cpuset = value.get<std::string>();
  else if (name == "cpuset_mems")
    limits.cpuset_mems = value.get<std::string>();
  else if (name == "cpu_time_ms")
    limits.cpu_time = std::chrono::milliseconds(value.get<std::int64_t>());
  else
    throw json::other_error::create(501, "a limit that is not known", &value);
}

}  // namespace

std::string limits_json(const Limits& limits) {
  json document = json::object();
  for (const auto& [name, member] : kCounted) {
    if (limits.*member) document[name] = *(limits.*member);
  }
  if (limits.cpus) document["cpus"] = *limits.cpus;
  if (limits.cpuset) document["cpuset"] = *limits.cpuset;
  if (limits.cpuset_mems) document["cpuset_mems"] = *limits.cpuset_mems;
  if (limits.cpu_time) document["cpu_time_ms"] = limits.cpu_time->count();
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

base::Result<Limits> parse_limits_json(const std::string& text) {
  const json document = json::parse(text, nullptr, false);
  if (!document.is_object()) return base::corrupt("the recorded limits of a stage are damaged");
  Limits limits;
  try {
    for (const auto& [name, value] : document.items()) take(name, value, limits);
  } catch (const json::exception&) {
    return base::corrupt("the recorded limits of a stage are damaged");
  }
  return limits;
}

}  // namespace stagebox::run
