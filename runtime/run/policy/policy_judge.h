// What one rule of a policy says to what a sandbox asks for. Internal to Policy.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/run/policy/policy.h"
#include "sandbox/cgroup/limit_defaults.h"
#include "sandbox/supervision.h"

namespace stagebox::run {

/// A limit that is a number, and what it is called in pipeline files and policies.
struct CountedLimit {
  const char* name = nullptr;
  std::optional<std::uint64_t> sandbox::Limits::* limit = nullptr;
  enum class Unit { kCount, kBytes } unit = Unit::kCount;
  /// What applies without a limit and needs no kernel; a ceiling above it changes nothing then.
  std::optional<std::uint64_t> otherwise = {};
};
inline constexpr std::array kCountedLimits{
    CountedLimit{"memory", &sandbox::Limits::memory, CountedLimit::Unit::kBytes},
    CountedLimit{"pids", &sandbox::Limits::pids, CountedLimit::Unit::kCount},
    CountedLimit{"disk", &sandbox::Limits::disk, CountedLimit::Unit::kBytes},
    CountedLimit{"inodes", &sandbox::Limits::inodes, CountedLimit::Unit::kCount},
    CountedLimit{"io_read", &sandbox::Limits::io_read, CountedLimit::Unit::kBytes},
    CountedLimit{"io_write", &sandbox::Limits::io_write, CountedLimit::Unit::kBytes},
    CountedLimit{"open_files", &sandbox::Limits::open_files, CountedLimit::Unit::kCount,
                 sandbox::kDefaultOpenFiles},
    CountedLimit{"log", &sandbox::Limits::log, CountedLimit::Unit::kBytes, sandbox::kDefaultLog}};

/// What the rule does not permit: "the secret `TOKEN`", ... Empty: it permits everything.
std::vector<std::string> judge(const Asked& asked, const PolicyRule& rule);

}  // namespace stagebox::run
