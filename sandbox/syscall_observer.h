// SyscallObserver: answers for a filter that reports the calls it refuses, and remembers which they
// were. Used to explain to people why a stage fails; a stage that nobody wants explained
// runs without it, and each denied call costs it a round trip to us.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cstdint>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "sandbox/exit_report.h"

namespace stagebox::sandbox {

class SyscallObserver {
 public:
  /// Takes the listener of a filter (seccomp_unotify(2), Linux 5.0), compiled with
  /// DeniedCalls::kReported, and answers every call that arrives with the errno that `filter`, the
  /// same program, has for it, on a thread of its own.
  static base::Result<std::unique_ptr<SyscallObserver>> start(base::UniqueFd listener,
                                                              std::vector<sock_filter> filter);
  ~SyscallObserver();
  SyscallObserver(const SyscallObserver&) = delete;
  SyscallObserver& operator=(const SyscallObserver&) = delete;

  /// Ends the thread and tells what was denied, the most frequent first.
  std::vector<DeniedSyscall> finish();

 private:
  SyscallObserver(base::UniqueFd listener, std::vector<sock_filter> filter, base::UniqueFd stop);
  void run();
  bool answer_one();
  [[nodiscard]] int error_for(const struct seccomp_data& call) const;

  base::UniqueFd listener_;
  std::vector<sock_filter> filter_;
  base::UniqueFd stop_;
  std::map<int, std::uint64_t> counts_;  ///< By number; the thread's until it is joined.
  std::thread thread_;
};

}  // namespace stagebox::sandbox
