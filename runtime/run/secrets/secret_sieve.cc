#include "runtime/run/secrets/secret_sieve.h"

#include <algorithm>
#include <cstring>

#include "runtime/base/byte_text.h"

namespace stagebox::run {
namespace {

constexpr std::size_t kPairs = 65536;
constexpr std::size_t kGram = 4;
constexpr unsigned kHashBits = 16;
// With more, more of each line lies so near to its end that only pairs help.
constexpr std::size_t kMostStride = 8;
// Of text without a line break, at once.
constexpr std::size_t kLook = 256;

bool has(const base::LockedVector<std::uint8_t>& set, std::size_t bit) {
  return (set[bit / 8] & 1U << bit % 8) != 0;
}

void insert(base::LockedVector<std::uint8_t>& set, std::size_t bit) {
  set[bit / 8] |= static_cast<std::uint8_t>(1U << bit % 8);
}

std::size_t pair_of(std::uint8_t first, std::uint8_t second) {
  return static_cast<std::size_t>(first) << 8U | second;
}

// Multiplicative hashing: the upper bits depend on all four bytes.
std::size_t hash_of(const void* gram) {
  constexpr std::uint32_t kOdd = 0x9E3779B1;
  std::uint32_t value = 0;
  std::memcpy(&value, gram, kGram);
  return value * kOdd >> (32U - kHashBits);
}

// Before the first line break, at most `most`.
std::size_t until_break(const std::uint8_t* bytes, std::size_t most) {
  const std::size_t line = base::length_before(std::span(bytes, most), '\n');
  return base::length_before(std::span(bytes, line), '\r');
}

}  // namespace

SecretSieve::SecretSieve(const SecretPatterns& patterns)
    : pairs_(kPairs / 8, 0), grams_((std::size_t{1} << kHashBits) / 8, 0) {
  if (patterns.size() == 0) return;
  // Wherever a text begins among `stride_` bytes, the four behind the last of them are its own.
  static_assert(kShortestPattern >= kGram);
  stride_ = std::min(patterns.shortest() - (kGram - 1), kMostStride);
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    add_pairs(patterns[i]);
    add_grams(patterns[i]);
  }
}

void SecretSieve::add_pairs(std::span<const char> text) {
  const auto first = static_cast<std::uint8_t>(text[0]);
  for (const std::uint8_t second :
       {static_cast<std::uint8_t>(text[1]), std::uint8_t{'\n'}, std::uint8_t{'\r'}})
    insert(pairs_, pair_of(first, second));
}

void SecretSieve::add_grams(std::span<const char> text) {
  for (std::size_t at = 0; at < stride_; ++at)
    insert(grams_, hash_of(text.subspan(at, kGram).data()));
}

std::size_t SecretSieve::idle_in_pairs(std::span<const std::uint8_t> bytes, std::size_t from,
                                       std::size_t to) const {
  while (from < to && !has(pairs_, pair_of(bytes[from], bytes[from + 1]))) ++from;
  return from;
}

std::size_t SecretSieve::idle(std::span<const std::uint8_t> bytes) const {
  const std::size_t last = bytes.empty() ? 0 : bytes.size() - 1;
  if (stride_ == 0) return idle_in_pairs(bytes, 0, last);
  std::size_t at = 0;
  while (at < last) {
    const std::size_t most = std::min(kLook, bytes.size() - at);
    const std::size_t line = until_break(&bytes[at], most);
    const std::size_t end = at + line;
    for (; at + stride_ + kGram - 1 <= end; at += stride_) {
      if (!has(grams_, hash_of(&bytes[at + stride_ - 1]))) continue;
      const std::size_t begins = idle_in_pairs(bytes, at, at + stride_);
      if (begins < at + stride_) return begins;
    }
    // The rest of a line, whose texts may go on in the next one; else it is looked at again.
    if (line == kLook) continue;
    const std::size_t rest = std::min(end + 1, last);
    at = idle_in_pairs(bytes, at, rest);
    if (at < rest) return at;
  }
  return at;
}

}  // namespace stagebox::run
