// SecretMasker: a stream with each secret in it, in whatever form secret_patterns() knows, replaced
// by "***". Line breaks inside of one do not count, nor does what is for the terminal, its colours
// for example: `grep --color` puts them around what it found, and who shows a log leaves them out.
// Both stay where they are. How the stream is cut into pieces makes no difference to what comes
// out. It holds back what may be the beginning of a secret that goes on, and no more: at the end of
// a line not even that when it is only a letter or two, or every tenth line would wait for the next
// one. Of a secret that is broken there they stay, and the rest is masked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "runtime/base/locked_memory.h"
#include "runtime/logs/control_sequence.h"
#include "runtime/run/secrets/secret_automaton.h"

namespace stagebox::run {

/// What stands where a secret was.
inline constexpr std::string_view kMask = "***";

class SecretMasker {
 public:
  /// `secrets` outlives it.
  explicit SecretMasker(const SecretAutomaton& secrets) : secrets_(secrets) {}

  /// Appends to `out` what is certain.
  void feed(std::span<const std::byte> bytes, std::string& out);
  /// The rest; then it is as new. Of a stream that was cut off, what may be the beginning of a
  /// secret is masked, if it is more than negligible: the limit of a log must not be a way to get
  /// at all but the last byte.
  enum class End { kWhole, kCutOff };
  void finish(std::string& out, End end = End::kWhole);
  /// What is held back goes to `next`, which looks for more: to be told by that one. Of this one
  /// nothing is used any more.
  void hand_over(SecretMasker& next, std::string& out);
  /// Whether anything was masked since it was new.
  [[nodiscard]] bool found() const { return found_; }
  /// Whether it holds anything back.
  [[nodiscard]] bool holds_any() const { return begin_ < held_.size(); }

 private:
  struct Held {
    std::uint8_t byte = 0;
    bool masked = false;
    bool in_sequence = false;  ///< For the terminal, for all that is known.
  };
  /// One look at the stream.
  struct Look {
    SecretAutomaton::State state = SecretAutomaton::kStart;
    std::size_t counted = 0;  ///< Of what is held, those bytes that it sees. May be fewer than
                              ///< the state is deep.
  };
  [[nodiscard]] bool is_idle() const;
  void step(std::uint8_t byte, std::string& out);
  /// Lets bare_ see what is held at `index`, if that is for it.
  void look_barely(std::size_t index);
  /// The sequence that has begun is none; up to `end`, what follows its beginning is text.
  void break_sequence(std::size_t end);
  /// By what is held at `index`.
  void advance(Look& look, std::size_t index);
  [[nodiscard]] bool is_beyond_limit(const Look& look) const;
  [[nodiscard]] bool sees(const Look& look, const Held& held) const;
  /// Whether what may be the beginning of a secret is next to nothing.
  [[nodiscard]] bool is_negligible() const;
  void release(std::string& out);
  void release_all(std::string& out);
  /// Of what is before begin_, now and then, so that each byte is moved about once.
  void forget_emitted();
  void emit(const Held& held, std::string& out);

  const SecretAutomaton& secrets_;
  Look whole_;  ///< Sees all but line breaks.
  Look bare_;   ///< Does not see what is for the terminal either.
  std::optional<logs::ControlSequence> sequence_;  ///< One that has not ended,
  std::size_t sequence_begin_ = 0;                 ///< and where it begins in held_.
  base::LockedVector<Held> held_;  ///< From begin_ on; what is before has been emitted.
  std::size_t begin_ = 0;
  bool last_masked_ = false;  ///< Of what was emitted.
  bool found_ = false;
};

/// A whole text.
std::string masked(const SecretAutomaton& secrets, std::string_view text);

}  // namespace stagebox::run
