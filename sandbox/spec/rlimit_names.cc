#include "sandbox/spec/rlimit_names.h"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <utility>

namespace stagebox::sandbox {
namespace {

constexpr std::array kRlimits{std::pair{"as", int{RLIMIT_AS}},
                              std::pair{"core", int{RLIMIT_CORE}},
                              std::pair{"cpu", int{RLIMIT_CPU}},
                              std::pair{"data", int{RLIMIT_DATA}},
                              std::pair{"fsize", int{RLIMIT_FSIZE}},
                              std::pair{"locks", int{RLIMIT_LOCKS}},
                              std::pair{"memlock", int{RLIMIT_MEMLOCK}},
                              std::pair{"msgqueue", int{RLIMIT_MSGQUEUE}},
                              std::pair{"nice", int{RLIMIT_NICE}},
                              std::pair{"nofile", int{RLIMIT_NOFILE}},
                              std::pair{"nproc", int{RLIMIT_NPROC}},
                              std::pair{"rss", int{RLIMIT_RSS}},
                              std::pair{"rtprio", int{RLIMIT_RTPRIO}},
                              std::pair{"rttime", int{RLIMIT_RTTIME}},
                              std::pair{"sigpending", int{RLIMIT_SIGPENDING}},
                              std::pair{"stack", int{RLIMIT_STACK}}};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

std::optional<int> rlimit_by_name(std::string_view name) {
  for (const auto& [known, resource] : kRlimits) {
    if (std::ranges::equal(std::string_view(known), name, {}, {}, lower)) return resource;
  }
  return std::nullopt;
}

}  // namespace stagebox::sandbox
