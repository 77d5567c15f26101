#include "sandbox/last_words.h"

#include <algorithm>

#include "runtime/base/byte_text.h"

namespace stagebox::sandbox {
namespace {

constexpr std::string_view kMuslText = "No file descriptors available";
// Without its first letter: Go writes it small.
constexpr std::string_view kText = "oo many open files";
// That for ENFILE, which begins with it.
constexpr std::string_view kMachineText = "oo many open files in system";
static_assert(kMachineText.starts_with(kText));
constexpr std::string_view kSpaceText = "o space left on device";
// Letters that are rare in other texts: the y and the v.
constexpr std::size_t kRareInText = 6;
constexpr std::size_t kRareInMuslText = 21;
constexpr std::size_t kRareInSpaceText = 18;
// So much at each end of a piece is read letter by letter: any text, and what decides of which it
// is, that other pieces have a part of.
constexpr std::size_t kEdge = 32;
static_assert(kMachineText.size() <= kEdge && kMuslText.size() <= kEdge &&
              kSpaceText.size() <= kEdge);

// Where the last `wanted` begins for which `counts` is true of what stands from there on.
template <typename Counts>
std::optional<std::size_t> find_last(std::string_view words, std::string_view wanted,
                                     std::size_t rare, const Counts& counts) {
  std::optional<std::size_t> last;
  for (std::size_t at = words.find(wanted[rare]); at != std::string_view::npos;
       at = words.find(wanted[rare], at + 1)) {
    if (at < rare) continue;
    const std::string_view found = words.substr(at - rare);
    if (found.starts_with(wanted) && counts(found)) last = at - rare;
  }
  return last;
}

}  // namespace

bool TextMatch::add(char letter) {
  // The longest beginning of the text that these letters still end with.
  while (matched_ > 0 && text_[matched_] != letter) {
    const std::string_view seen = text_.substr(0, matched_--);
    while (!seen.ends_with(text_.substr(0, matched_))) --matched_;
  }
  if (text_[matched_] == letter) ++matched_;
  if (matched_ < text_.size()) return false;
  matched_ = 0;  // No text begins as it ends.
  return true;
}

LastWords::LastWords()
    : text_(kText), machine_text_(kMachineText), musl_text_(kMuslText), space_text_(kSpaceText) {}

void LastWords::add(std::span<const std::byte> bytes) {
  std::string_view text = base::text_of(bytes);
  if (text.size() > kLength) {
    skip(text.size() - kLength);
    text = text.substr(text.size() - kLength);
  }
  if (text.size() > 2 * kEdge) {
    const std::uint64_t begin = length_;
    add_letters(text.substr(0, kEdge));
    // What begins in this piece is found again, with what follows it.
    if (said_ >= begin) said_ = said_before_;
    find_in(text);
    skip(text.size() - 2 * kEdge);
    text = text.substr(text.size() - kEdge);
  }
  add_letters(text);
}

// All of `words` have been read but for what stands behind the first kEdge of them.
void LastWords::find_in(std::string_view words) {
  const std::uint64_t begin = length_ - kEdge;
  const auto is_of_a_process = [](std::string_view found) {
    return found.size() >= kMachineText.size() && !found.starts_with(kMachineText);
  };
  const auto is_any = [](std::string_view) { return true; };
  if (const auto at = find_last(words, kText, kRareInText, is_of_a_process)) said_ = begin + *at;
  if (const auto at = find_last(words, kMuslText, kRareInMuslText, is_any))
    said_ = std::max(said_.value_or(0), begin + *at);
  if (const auto at = find_last(words, kSpaceText, kRareInSpaceText, is_any))
    said_space_ = begin + *at;
}

void LastWords::skip(std::size_t count) {
  length_ += count;
  text_.restart();
  machine_text_.restart();
  musl_text_.restart();
  space_text_.restart();
}

void LastWords::add_letters(std::string_view letters) {
  for (const char letter : letters) add_letter(letter);
}

void LastWords::add_letter(char letter) {
  ++length_;
  if (text_.add(letter)) {
    said_before_ = said_;
    said_ = length_ - text_.length();
  }
  if (machine_text_.add(letter)) said_ = said_before_;
  if (musl_text_.add(letter)) said_ = length_ - musl_text_.length();
  if (space_text_.add(letter)) said_space_ = length_ - space_text_.length();
}

bool LastWords::say_too_many_open_files() const { return said_ && length_ - *said_ <= kLength; }

bool LastWords::say_no_space_left() const {
  return said_space_ && length_ - *said_space_ <= kLength;
}

}  // namespace stagebox::sandbox
