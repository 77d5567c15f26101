#include "runtime/run/secrets/secret_masker.h"

#include <algorithm>

namespace stagebox::run {
namespace {

constexpr std::string_view kMask = "***";
// Of what is not seen in what is held back; whoever writes more of it inside of a secret breaks it
// up.
constexpr std::size_t kMostSkipped = 4096;
constexpr std::size_t kCompactFrom = 256;
constexpr std::uint8_t kEscape = 0x1B;
// ECMA-48, 5.4: ESC [, parameters and intermediate bytes, a final byte. Longer ones are text.
constexpr std::size_t kLongestSequence = 64;
constexpr std::size_t kIntroducer = 2;

}  // namespace

bool SecretMasker::is_idle() const {
  return whole_.state == SecretAutomaton::kStart && bare_.state == SecretAutomaton::kStart &&
         sequence_ == 0 && !holds_any();
}

void SecretMasker::feed(std::span<const std::byte> bytes, std::string& out) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes are bytes.
  std::span<const std::uint8_t> rest(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                     bytes.size());
  // Where a secret may go on behind a sequence that nobody else knows of.
  auto escape = std::ranges::find(rest, kEscape);
  while (!rest.empty()) {
    if (escape < rest.begin()) escape = std::ranges::find(rest, kEscape);
    const auto plain = static_cast<std::size_t>(escape - rest.begin());
    const std::size_t idle = is_idle() ? secrets_.idle(rest.first(plain)) : 0;
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
  const bool in_sequence = continue_sequence(byte);
  held_.push_back({byte, false, in_sequence});
  if (!SecretAutomaton::is_skipped(byte)) {
    advance(whole_, byte);
    if (!in_sequence) advance(bare_, byte);
  }
  limit(whole_);
  limit(bare_);
  release(out);
}

// Whether the byte belongs to a sequence. Only inside of what may be a secret is one looked for:
// elsewhere it makes no difference.
bool SecretMasker::continue_sequence(std::uint8_t byte) {
  if (sequence_ == 0) {
    if (byte == kEscape && secrets_.depth(bare_.state) > 0) sequence_ = 1;
    return sequence_ == 1;
  }
  const bool fits = sequence_ == 1 ? byte == '[' : byte >= 0x20 && byte <= 0x7E;
  if (!fits || sequence_ == kLongestSequence) {
    give_sequences_up();
    return continue_sequence(byte);
  }
  ++sequence_;
  if (sequence_ > kIntroducer && byte >= 0x40) sequence_ = 0;
  return true;
}

// It was none. What was taken for one before it may be taken for text as well then.
void SecretMasker::give_sequences_up() {
  sequence_ = 0;
  for (std::size_t i = begin_; i < held_.size(); ++i) held_[i].in_sequence = false;
  bare_ = whole_;
}

bool SecretMasker::sees(const Look& look, const Held& held) const {
  if (SecretAutomaton::is_skipped(held.byte)) return false;
  return &look == &whole_ || !held.in_sequence;
}

// By the last byte that is held.
void SecretMasker::advance(Look& look, std::uint8_t byte) {
  ++look.counted;
  look.state = secrets_.next(look.state, byte);
  std::size_t found = secrets_.found(look.state);
  for (std::size_t i = held_.size(); found > 0; --i) {
    Held& held = held_[i - 1];
    if (!sees(look, held)) continue;
    held.masked = true;
    found_ = true;
    --found;
  }
}

void SecretMasker::limit(Look& look) const {
  if (held_.size() - begin_ > look.counted + kMostSkipped) look.state = SecretAutomaton::kStart;
}

// What no look needs: all before the bytes that may be the beginning of a secret.
void SecretMasker::release(std::string& out) {
  while (holds_any()) {
    const Held& held = held_[begin_];
    const bool by_whole = sees(whole_, held);
    const bool by_bare = sees(bare_, held);
    if (by_whole && whole_.counted == secrets_.depth(whole_.state)) break;
    if (by_bare && bare_.counted == secrets_.depth(bare_.state)) break;
    if (by_whole) --whole_.counted;
    if (by_bare) --bare_.counted;
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
  whole_.state = SecretAutomaton::kStart;
  bare_.state = SecretAutomaton::kStart;
  sequence_ = 0;
  release(out);
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
