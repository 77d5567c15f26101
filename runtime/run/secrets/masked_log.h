// MaskedLog: the way of a stage's output to its log, and of everything else that its text can get
// into: with its secrets masked before anybody sees it. Without secrets it costs nothing.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "runtime/base/result.h"
#include "runtime/logs/log_watch.h"
#include "runtime/logs/log_writer.h"
#include "runtime/run/secrets/secret_masker.h"

namespace stagebox::run {

/// Each stream is masked for itself: what another one writes between two halves of a secret makes
/// no difference.
class MaskedLog {
 public:
  /// `secrets` may be nullptr: none. `watch`, which may be too, sees what the log gets. All outlive
  /// it.
  MaskedLog(logs::LogWriter& log, const SecretAutomaton* secrets, logs::LogWatch* watch = nullptr);
  /// Where what is appended next can be put, and what it may then be appended from; only what
  /// anybody may read. Empty: nowhere.
  std::span<std::byte> room(logs::Stream stream);
  base::Result<void> append(logs::Stream stream, std::span<const std::byte> bytes);
  /// What was held back. Always called at the end.
  base::Result<void> finish(SecretMasker::End end);

 private:
  using Masker = std::optional<SecretMasker>;
  [[nodiscard]] Masker& masker(logs::Stream stream) {
    return maskers_[static_cast<std::size_t>(stream)];
  }
  base::Result<void> write_out(logs::Stream stream);
  base::Result<void> write(logs::Stream stream, std::span<const std::byte> bytes);

  logs::LogWriter& log_;
  logs::LogWatch* watch_;
  std::array<Masker, 2> maskers_;
  std::string out_;
};

}  // namespace stagebox::run
