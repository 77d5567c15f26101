#include "runtime/run/secrets/secret_masker.h"

#include <algorithm>

namespace stagebox::run {
namespace {

constexpr std::string_view kMask = "***";
// Line breaks in what is held back; whoever writes more of them inside of a secret breaks it up.
constexpr std::size_t kMostSkipped = 4096;
constexpr std::size_t kCompactFrom = 256;

}  // namespace

void SecretMasker::feed(std::span<const std::byte> bytes, std::string& out) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes are bytes.
  std::span<const std::uint8_t> rest(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                     bytes.size());
  while (!rest.empty()) {
    const std::size_t idle =
        state_ == SecretAutomaton::kStart && !holds_any() ? secrets_.idle(rest) : 0;
    if (idle > 0) {
      // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
      out.append(reinterpret_cast<const char*>(rest.data()), idle);
      last_masked_ = false;
      rest = rest.subspan(idle);
      continue;
    }
    step(rest.front(), out);
    rest = rest.subspan(1);
  }
}

void SecretMasker::step(std::uint8_t byte, std::string& out) {
  held_.push_back({byte, false});
  if (!SecretAutomaton::is_skipped(byte)) {
    ++counted_;
    state_ = secrets_.next(state_, byte);
    mask(secrets_.found(state_));
  } else if (held_.size() - begin_ > counted_ + kMostSkipped) {
    state_ = SecretAutomaton::kStart;
  }
  release(secrets_.depth(state_), out);
}

// The last `bytes` of what is held, line breaks not counted.
void SecretMasker::mask(std::size_t bytes) {
  for (std::size_t i = held_.size(); bytes > 0; --i) {
    Held& held = held_[i - 1];
    if (SecretAutomaton::is_skipped(held.byte)) continue;
    held.masked = true;
    found_ = true;
    --bytes;
  }
}

// All but the last `keep` bytes that are no line breaks, and what is between them.
void SecretMasker::release(std::size_t keep, std::string& out) {
  while (holds_any()) {
    const Held& held = held_[begin_];
    const bool skipped = SecretAutomaton::is_skipped(held.byte);
    if (!skipped && counted_ == keep) break;
    if (!skipped) --counted_;
    emit(held, out);
    ++begin_;
  }
  // Now and then, so that each byte is moved about once.
  if (begin_ < held_.size() - begin_ + kCompactFrom && holds_any()) return;
  held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(begin_));
  begin_ = 0;
}

void SecretMasker::emit(const Held& held, std::string& out) {
  if (!held.masked)
    out.push_back(static_cast<char>(held.byte));
  else if (!last_masked_)
    out.append(kMask);
  last_masked_ = held.masked;
}

void SecretMasker::finish(std::string& out) {
  release(0, out);
  state_ = SecretAutomaton::kStart;
  last_masked_ = false;
  found_ = false;
}

std::string masked(const SecretAutomaton& secrets, std::string_view text) {
  SecretMasker masker(secrets);
  std::string out;
  masker.feed(std::as_bytes(std::span(text)), out);
  masker.finish(out);
  return out;
}

}  // namespace stagebox::run
