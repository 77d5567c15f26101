// Random names, from getrandom(2). For things that must not collide or be guessed; not for keys.
#pragma once

#include <cstddef>
#include <string>

#include "runtime/base/result.h"

namespace stagebox::base {

/// `chars` (at most 64) random lower-case hexadecimal characters, four bits each.
Result<std::string> random_hex(std::size_t chars);

}  // namespace stagebox::base
