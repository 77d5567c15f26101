// start_thread: a thread, or an Error where the machine has none left.
#pragma once

#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "runtime/base/result.h"

namespace stagebox::base {

/// Runs `body` on a thread of its own. `attempted` as of system_error().
template <typename Body>
Result<std::thread> start_thread(std::string_view attempted, Body&& body) {
  try {
    return std::thread(std::forward<Body>(body));
  } catch (const std::system_error& error) {
    return system_error(attempted, error.code().value());
  }
}

}  // namespace stagebox::base
