// MaskedLog: the way of a stage's output to its log, and of everything else that its text can get
// into: with its secrets masked before anybody sees it. Without secrets it costs nothing.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/logs/log_watch.h"
#include "runtime/logs/log_writer.h"
#include "runtime/run/secrets/mask_commands.h"
#include "runtime/run/secrets/secret_masker.h"

namespace stagebox::run {

/// Each stream is masked for itself: what another one writes between two halves of a secret makes
/// no difference.
class MaskedLog {
 public:
  /// `secrets` may be nullptr: none. `watch`, which may be too, sees what the log gets. `added`,
  /// too: nobody may add what is to be masked. All outlive it.
  MaskedLog(logs::LogWriter& log, const SecretAutomaton* secrets, logs::LogWatch* watch = nullptr,
            AddedMasks* added = nullptr);
  /// Where what is appended next can be put, and what it may then be appended from; only what
  /// anybody may read. Empty: nowhere.
  std::span<std::byte> room(logs::Stream stream);
  base::Result<void> append(logs::Stream stream, std::span<const std::byte> bytes);
  /// What was held back. Always called at the end.
  base::Result<void> finish(SecretMasker::End end);
  /// What was said, in the log too, of values that could not be added.
  [[nodiscard]] const std::vector<std::string>& refusals() const { return refusals_; }

 private:
  using Masker = std::optional<SecretMasker>;
  [[nodiscard]] Masker& masker(logs::Stream stream) {
    return maskers_[static_cast<std::size_t>(stream)];
  }
  base::Result<void> pass(logs::Stream stream, std::span<const std::byte> bytes);
  base::Result<void> say_refusals();
  base::Result<void> say(std::string text);
  base::Result<void> write(logs::Stream stream, std::span<const std::byte> bytes,
                           logs::LogWatch::Marks marks = logs::LogWatch::Marks::kUnknown);

  logs::LogWriter& log_;
  logs::LogWatch* watch_;
  std::array<Masker, 2> maskers_;
  std::array<bool, 2> holds_{};  ///< What the watch knows of.
  std::optional<MaskCommands> commands_;
  std::string out_;     ///< Of the maskers.
  std::string passed_;  ///< Of the commands.
  std::vector<std::string> refusals_;
};

}  // namespace stagebox::run
