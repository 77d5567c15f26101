// Interrupts: turns SIGINT, SIGTERM, SIGHUP and SIGQUIT into calls of a function, on a thread of
// its own. Those that this process was started to ignore stay ignored.
#pragma once

#include <functional>
#include <thread>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::cli {

class Interrupts {
 public:
  /// Before any other thread is started: they must inherit the blocked signals. `on_signal` is
  /// called for each signal, with its number; for those in `others`, too.
  static base::Result<Interrupts> watch(const std::vector<int>& others,
                                        std::function<void(int)> on_signal);
  static base::Result<Interrupts> watch(const std::function<void()>& on_signal) {
    return watch({}, [on_signal](int) { on_signal(); });
  }
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
