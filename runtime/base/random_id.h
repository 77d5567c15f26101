// Random names, from getrandom(2). For things that must not collide or be guessed; not for keys.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "runtime/base/result.h"

namespace stagebox::base {

/// `chars` (at most 64) random lower-case hexadecimal characters, four bits each.
Result<std::string> random_hex(std::size_t chars);
/// Whether random_hex(chars) may have said so.
bool is_random_hex(std::string_view text, std::size_t chars);

}  // namespace stagebox::base
