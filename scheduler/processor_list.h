// Lists of processors as the kernel writes them: "0-3,6" (cpuset(7), "List format").
#pragma once

#include <optional>
#include <set>
#include <string_view>

namespace stagebox::scheduler {

/// None when it is no such list. Whether the machine has them is not looked at.
std::optional<std::set<unsigned>> parse_processor_list(std::string_view text);

}  // namespace stagebox::scheduler
