// Interrupts: turns SIGINT, SIGTERM and SIGHUP into a cancelled token, on a thread of its own.
#pragma once

#include <thread>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "scheduler/cancel_token.h"

namespace stagebox::cli {

class Interrupts {
 public:
  /// Before any other thread is started: they must inherit the blocked signals.
  static base::Result<Interrupts> watch(scheduler::CancelToken token);
  Interrupts(Interrupts&&) = default;
  Interrupts& operator=(Interrupts&&) = delete;
  ~Interrupts();

 private:
  Interrupts(base::UniqueFd stop, std::thread thread)
      : stop_(std::move(stop)), thread_(std::move(thread)) {}

  base::UniqueFd stop_;
  std::thread thread_;
};

}  // namespace stagebox::cli
