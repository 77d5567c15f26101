// SecretMasker: a stream with each secret in it, in whatever form secret_patterns() knows, replaced
// by "***". How the stream is cut into pieces makes no difference to what comes out. It holds back
// what may be the beginning of a secret, and no more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "runtime/base/locked_memory.h"
#include "runtime/run/secrets/secret_automaton.h"

namespace stagebox::run {

class SecretMasker {
 public:
  /// `secrets` outlives it.
  explicit SecretMasker(const SecretAutomaton& secrets) : secrets_(secrets) {}

  /// Appends to `out` what is certain.
  void feed(std::span<const std::byte> bytes, std::string& out);
  /// The rest; then it is as new.
  void finish(std::string& out);
  /// Whether anything was masked since it was new.
  [[nodiscard]] bool found() const { return found_; }
  /// Whether it holds anything back.
  [[nodiscard]] bool holds_any() const { return begin_ < held_.size(); }

 private:
  struct Held {
    std::uint8_t byte = 0;
    bool masked = false;
  };
  void step(std::uint8_t byte, std::string& out);
  void mask(std::size_t bytes);
  void release(std::size_t keep, std::string& out);
  void emit(const Held& held, std::string& out);

  const SecretAutomaton& secrets_;
  SecretAutomaton::State state_ = SecretAutomaton::kStart;
  base::LockedVector<Held> held_;  ///< From begin_ on; what is before has been emitted.
  std::size_t begin_ = 0;
  std::size_t counted_ = 0;   ///< Of what is held, without line breaks.
  bool last_masked_ = false;  ///< Of what was emitted.
  bool found_ = false;
};

/// A whole text.
std::string masked(const SecretAutomaton& secrets, std::string_view text);

}  // namespace stagebox::run
