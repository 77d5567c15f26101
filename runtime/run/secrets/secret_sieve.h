// SecretSieve: where in a text no secret begins, found much faster than by looking at each byte.
// What it is made of tells of the secrets, so it lives in locked memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/base/locked_memory.h"
#include "runtime/run/secrets/secret_patterns.h"

namespace stagebox::run {

/// Immutable; used from several threads.
class SecretSieve {
 public:
  explicit SecretSieve(const SecretPatterns& patterns);

  /// How many of `bytes` are certainly no beginning of one of the texts, each followed by another
  /// byte. Line breaks do not count, wherever they are.
  [[nodiscard]] std::size_t idle(std::span<const std::uint8_t> bytes) const;

 private:
  [[nodiscard]] std::size_t idle_in_pairs(std::span<const std::uint8_t> bytes, std::size_t from,
                                          std::size_t to) const;
  void add_pairs(std::span<const char> text);
  void add_grams(std::span<const char> text);

  base::LockedVector<std::uint8_t> pairs_;  ///< Bit set of the first two bytes of a text.
  base::LockedVector<std::uint8_t> grams_;  ///< Bit set of hashes of four bytes of a text.
  std::size_t stride_ = 0;  ///< One of so many fours of bytes is looked at; 0: none, pairs only.
};

}  // namespace stagebox::run
