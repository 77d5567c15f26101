#include "runtime/run/secrets/secret_masker.h"

#include <algorithm>

#include "runtime/base/byte_text.h"

namespace stagebox::run {
namespace {

// Of what is not seen in what is held back; whoever writes more of it inside of a secret breaks it
// up.
constexpr std::size_t kMostSkipped = 4096;
constexpr std::size_t kCompactFrom = 256;

std::size_t count_plain(std::span<const std::uint8_t> bytes) {
  return base::length_before(bytes, logs::ControlSequence::kEscape);
}

}  // namespace

bool SecretMasker::is_idle() const {
  return whole_.state == SecretAutomaton::kStart && bare_.state == SecretAutomaton::kStart &&
         !sequence_ && !holds_any();
}

void SecretMasker::feed(std::span<const std::byte> bytes, std::string& out) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes are bytes.
  std::span<const std::uint8_t> rest(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                     bytes.size());
  // Where a secret may go on behind a sequence that nobody else knows of.
  const std::uint8_t* escape = rest.data() + count_plain(rest);
  while (!rest.empty()) {
    if (escape < rest.data()) escape = rest.data() + count_plain(rest);
    const auto plain = static_cast<std::size_t>(escape - rest.data());
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
  held_.push_back({byte, false, false});
  const std::size_t index = held_.size() - 1;
  if (!SecretAutomaton::is_skipped(byte)) advance(whole_, index);
  look_barely(index);
  if (is_beyond_limit(whole_)) whole_.state = SecretAutomaton::kStart;
  if (is_beyond_limit(bare_)) {
    bare_.state = SecretAutomaton::kStart;
    sequence_.reset();
  }
  if (SecretAutomaton::is_skipped(byte) && is_negligible())
    release_all(out);
  else
    release(out);
}

bool SecretMasker::is_negligible() const {
  return !sequence_ && std::max(secrets_.pending(whole_.state), secrets_.pending(bare_.state)) <=
                           secrets_.negligible();
}

// Only inside of what may be a secret is a sequence looked for: elsewhere it makes no difference.
void SecretMasker::look_barely(std::size_t index) {
  Held& held = held_[index];
  const std::uint8_t byte = held.byte;
  if (sequence_) {
    const auto step = sequence_->take(byte);
    if (step == logs::ControlSequence::Step::kBroken) return break_sequence(index + 1);
    if (step == logs::ControlSequence::Step::kEnds) sequence_.reset();
    held.in_sequence = true;
  } else if (byte == logs::ControlSequence::kEscape && secrets_.pending(bare_.state) > 0) {
    sequence_.emplace();
    sequence_begin_ = index;
    held.in_sequence = true;
  } else {
    held.in_sequence = false;
    if (!SecretAutomaton::is_skipped(byte)) advance(bare_, index);
  }
}

void SecretMasker::break_sequence(std::size_t end) {
  const std::size_t text = sequence_begin_ + sequence_->broken_length();
  sequence_.reset();
  for (std::size_t i = text; i < end; ++i) look_barely(i);
}

bool SecretMasker::sees(const Look& look, const Held& held) const {
  if (SecretAutomaton::is_skipped(held.byte)) return false;
  return &look == &whole_ || !held.in_sequence;
}

void SecretMasker::advance(Look& look, std::size_t index) {
  ++look.counted;
  look.state = secrets_.next(look.state, held_[index].byte);
  std::size_t found = secrets_.found(look.state);
  for (std::size_t i = index + 1; found > 0 && i > begin_; --i) {
    Held& held = held_[i - 1];
    if (!sees(look, held)) continue;
    held.masked = true;
    found_ = true;
    --found;
  }
}

bool SecretMasker::is_beyond_limit(const Look& look) const {
  return held_.size() - begin_ > look.counted + kMostSkipped;
}

// What no look needs: all before the bytes that may be the beginning of a secret.
void SecretMasker::release(std::string& out) {
  const std::size_t by_whole_pending = secrets_.pending(whole_.state);
  const std::size_t by_bare_pending = secrets_.pending(bare_.state);
  // A sequence that is none after all is looked at again, from its beginning.
  while (holds_any() && (!sequence_ || begin_ < sequence_begin_)) {
    const Held& held = held_[begin_];
    const bool by_whole = sees(whole_, held);
    const bool by_bare = sees(bare_, held);
    if (by_whole && whole_.counted <= by_whole_pending) break;
    if (by_bare && bare_.counted <= by_bare_pending) break;
    if (by_whole) --whole_.counted;
    if (by_bare) --bare_.counted;
    emit(held, out);
    ++begin_;
  }
  forget_emitted();
}

void SecretMasker::release_all(std::string& out) {
  for (; holds_any(); ++begin_) emit(held_[begin_], out);
  whole_.counted = 0;
  bare_.counted = 0;
  forget_emitted();
}

void SecretMasker::forget_emitted() {
  if (begin_ < held_.size() - begin_ + kCompactFrom && holds_any()) return;
  held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(begin_));
  sequence_begin_ -= std::min(sequence_begin_, begin_);
  begin_ = 0;
}

void SecretMasker::emit(const Held& held, std::string& out) {
  if (!held.masked)
    out.push_back(static_cast<char>(held.byte));
  else if (!last_masked_)
    out.append(kMask);
  last_masked_ = held.masked;
}

void SecretMasker::finish(std::string& out, End end) {
  while (sequence_) break_sequence(held_.size());
  if (end == End::kCutOff && !is_negligible()) {
    for (std::size_t i = begin_; i < held_.size(); ++i)
      held_[i].masked = held_[i].masked || !SecretAutomaton::is_skipped(held_[i].byte);
  }
  whole_.state = SecretAutomaton::kStart;
  bare_.state = SecretAutomaton::kStart;
  release_all(out);
  last_masked_ = false;
  found_ = false;
}

void SecretMasker::hand_over(SecretMasker& next, std::string& out) {
  const auto is_masked = [](const Held& held) { return held.masked; };
  const auto last =
      std::find_if(held_.rbegin(), held_.rend() - static_cast<std::ptrdiff_t>(begin_), is_masked);
  const auto end = static_cast<std::size_t>(held_.rend() - last);
  // What is masked already stays so, in its place.
  if (last != held_.rend() - static_cast<std::ptrdiff_t>(begin_)) {
    for (; begin_ < end; ++begin_) emit(held_[begin_], out);
  }
  next.last_masked_ = last_masked_;
  for (; holds_any(); ++begin_) next.step(held_[begin_].byte, out);
}

std::string masked(const SecretAutomaton& secrets, std::string_view text) {
  SecretMasker masker(secrets);
  std::string out;
  masker.feed(std::as_bytes(std::span(text)), out);
  masker.finish(out);
  return out;
}

}  // namespace stagebox::run
