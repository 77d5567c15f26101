#include "sandbox/last_words.h"

#include <algorithm>

#include "runtime/base/byte_text.h"

namespace stagebox::sandbox {
namespace {

constexpr std::string_view kMuslText = "No file descriptors available";
// Without its first letter: Go writes it small.
constexpr std::string_view kText = "oo many open files";
// What follows it where it is the text for ENFILE.
constexpr std::string_view kOfTheMachine = " in system";

}  // namespace

bool TextMatch::add(char letter) {
  // The longest beginning of the text that these letters still end with.
  while (matched_ > 0 && text_[matched_] != letter) {
    const std::string_view seen = text_.substr(0, matched_--);
    while (!seen.ends_with(text_.substr(0, matched_))) --matched_;
  }
  if (text_[matched_] == letter) ++matched_;
  if (matched_ < text_.size()) return false;
  matched_ = 0;  // Neither text begins as it ends.
  return true;
}

LastWords::LastWords() : text_(kText), musl_text_(kMuslText) {}

void LastWords::add(std::span<const std::byte> bytes) {
  const std::string_view text = base::text_of(bytes);
  const std::size_t skipped = text.size() - std::min(text.size(), kLength);
  if (skipped > 0) {
    length_ += skipped;
    text_.restart();
    musl_text_.restart();
    may_be_of_the_machine_ = false;
  }
  for (const char letter : text.substr(skipped)) add_letter(letter);
}

void LastWords::add_letter(char letter) {
  ++length_;
  if (may_be_of_the_machine_) {
    may_be_of_the_machine_ = letter == kOfTheMachine[of_the_machine_++];
    if (may_be_of_the_machine_ && of_the_machine_ == kOfTheMachine.size()) {
      said_ = said_before_;
      may_be_of_the_machine_ = false;
    }
  }
  if (text_.add(letter)) {
    said_before_ = said_;
    said_ = length_ - text_.length();
    of_the_machine_ = 0;
    may_be_of_the_machine_ = true;
  }
  if (musl_text_.add(letter)) said_ = length_ - musl_text_.length();
}

bool LastWords::is_last(std::optional<std::uint64_t> begin) const {
  return begin && length_ - *begin <= kLength;
}

bool LastWords::say_too_many_open_files() const { return is_last(said_); }

}  // namespace stagebox::sandbox
