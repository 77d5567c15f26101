// MaskCommands: the output of one attempt of a stage with what it asked to be masked (AddedMasks)
// replaced, from the line on that asks: `::add-mask::VALUE` at the beginning of a line. Such a line
// goes on without the value. Of output in which nothing is asked for and nothing is masked it only
// looks for "::".
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/logs/last_lines.h"
#include "runtime/logs/workflow_command.h"
#include "runtime/run/secrets/added_masks.h"
#include "runtime/run/secrets/secret_masker.h"

namespace stagebox::run {

/// Used by one thread.
class MaskCommands {
 public:
  /// `masks` outlives it.
  explicit MaskCommands(AddedMasks& masks) : masks_(masks) {}

  /// How bytes can go on as they are.
  enum class Passing { kNot, kWithMarks, kWithoutMarks };
  /// Of the next ones of a stream. When they cannot, feed() has to see them.
  Passing pass(logs::Stream stream, std::span<const std::byte> bytes);
  /// Appends to `out` what can go on.
  void feed(logs::Stream stream, std::span<const std::byte> bytes, std::string& out);
  /// The same of what was held back, when no more comes.
  void finish(logs::Stream stream, std::string& out, SecretMasker::End end);
  [[nodiscard]] bool masks_any() const { return masks_.automaton() != nullptr; }
  [[nodiscard]] bool holds_any(logs::Stream stream) const;
  /// What is to be said of values that are not masked, since the last time: each reason once.
  std::vector<std::string> take_refusals();
  /// How often that was not said again, by now.
  [[nodiscard]] std::size_t refused_silently() const { return refused_silently_; }

 private:
  /// That was made for the masks as they are now.
  struct Masker {
    std::shared_ptr<const SecretAutomaton> automaton;
    std::unique_ptr<SecretMasker> masker;
  };
  struct Line {
    bool is_blank = true;     ///< So far, so a command can begin.
    bool is_dropped = false;  ///< It asked for too much; the rest of it is not told.
    std::string held;         ///< It may be a command.
    Masker masker;
  };
  void take_line(Line& line, std::string& out);
  void take_overlong(Line& line, std::string& out);
  std::string_view drop(Line& line, std::string_view text);
  std::string_view hold(Line& line, std::string_view text, std::string& out);
  std::string_view tell_text(Line& line, std::string_view text, std::string& out);
  void tell(Line& line, std::string_view text, std::string& out);
  bool asks(std::string_view line);
  void note(AddedMasks::Answer answer);
  [[nodiscard]] Line& line(logs::Stream stream) {
    return lines_.at(static_cast<std::size_t>(stream));
  }

  AddedMasks& masks_;
  std::array<Line, 2> lines_;
  logs::CommandGate gate_;
  std::array<bool, 4> is_said_{};  ///< By AddedMasks::Answer.
  std::vector<std::string> refusals_;
  std::size_t refused_silently_ = 0;
};

}  // namespace stagebox::run
