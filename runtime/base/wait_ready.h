// Waiting for one descriptor.
#pragma once

#include <chrono>

namespace stagebox::base {

/// For wait_ready: as long as it takes.
inline constexpr std::chrono::milliseconds kForever{-1};

/// poll(2) on one descriptor, begun anew with the whole time when a signal interrupts it. False
/// when the time is over.
bool wait_ready(int fd, short events, std::chrono::milliseconds timeout = kForever);

}  // namespace stagebox::base
