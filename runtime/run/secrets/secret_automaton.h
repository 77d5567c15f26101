// SecretAutomaton: finds many texts in one pass over a stream (Aho and Corasick, 1975). What it is
// made of tells the texts, so it lives in locked memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/base/locked_memory.h"
#include "runtime/run/secrets/secret_patterns.h"
#include "runtime/run/secrets/secret_sieve.h"

namespace stagebox::run {

/// Immutable; one for all stages of a run, used from several threads.
class SecretAutomaton {
 public:
  using State = std::uint32_t;
  static constexpr State kStart = 0;

  /// No text is as long as a MiB. May be none. Throws std::bad_alloc where there is not enough
  /// memory that can be locked.
  explicit SecretAutomaton(const SecretPatterns& patterns);

  [[nodiscard]] bool empty() const { return nodes_.size() == 1; }
  [[nodiscard]] State next(State state, std::uint8_t byte) const;
  /// Length of the longest text that ends here; 0: none.
  [[nodiscard]] std::size_t found(State state) const;
  /// How many of the last bytes may be the beginning of a text that goes on. A text that has ended
  /// and is the beginning of no longer one waits for nothing.
  [[nodiscard]] std::size_t pending(State state) const;
  /// From the start: how many of `bytes` certainly lead back to it, each followed by another one.
  [[nodiscard]] std::size_t idle(std::span<const std::uint8_t> bytes) const {
    return sieve_.idle(bytes);
  }
  [[nodiscard]] std::size_t longest() const { return longest_; }
  /// So many bytes at the beginning of a text tell next to nothing of it: two, or of short ones
  /// one.
  [[nodiscard]] std::size_t negligible() const;

  /// Line breaks inside of a text do not count: encoders break lines anywhere.
  static bool is_skipped(std::uint8_t byte) { return byte == '\n' || byte == '\r'; }

 private:
  /// Small: there are some tens for each byte of a secret, and little memory can be locked. Texts
  /// are added in rising order, so the first child of a node is the one behind it.
  struct Node {
    State sibling = 0;   ///< The next one; 0: none, as the start is nobody's child.
    State fallback = 0;  ///< The longest other beginning that ends here.
    std::uint32_t byte : 8 = 0;
    std::uint32_t depth : 20 = 0;
    std::uint32_t has_child : 1 = 0;
    std::uint32_t ends : 1 = 0;   ///< A text does, of all `depth` bytes.
    std::uint32_t finds : 1 = 0;  ///< That, or a shorter text ends here.
  };
  static_assert(sizeof(Node) == 12);

  [[nodiscard]] State first_child(State state) const {
    return nodes_[state].has_child != 0 ? state + 1 : 0;
  }
  [[nodiscard]] State child(State state, std::uint8_t byte) const;
  void add(SecretPatterns::Text text, std::vector<State>& path);
  void link();

  base::LockedVector<Node> nodes_;
  base::LockedVector<State> from_start_;  ///< By byte.
  SecretSieve sieve_;
  std::size_t longest_ = 0;
  std::size_t shortest_;  ///< 0: there is none.
};

}  // namespace stagebox::run
