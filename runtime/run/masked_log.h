// MaskedLog: the way of a stage's output to its log, and of everything else that its text can get
// into: with its secrets masked before anybody sees it. Without secrets it costs nothing.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "runtime/base/result.h"
#include "runtime/run/log_file.h"
#include "runtime/run/secret_masker.h"

namespace stagebox::run {

class MaskedLog {
 public:
  /// `secrets` may be nullptr: none. Both outlive it.
  MaskedLog(LogFile& log, const SecretAutomaton* secrets) : log_(log) {
    if (secrets != nullptr) masker_.emplace(*secrets);
  }
  base::Result<void> append(std::span<const std::byte> bytes);
  /// What was held back. Always called at the end.
  base::Result<void> finish();

 private:
  base::Result<void> write_out();

  LogFile& log_;
  std::optional<SecretMasker> masker_;
  std::string out_;
};

}  // namespace stagebox::run
