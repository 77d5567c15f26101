// Which Stagebox this is.
#pragma once

namespace stagebox::base {

inline constexpr char kVersion[] = "0.1.0";

}  // namespace stagebox::base
