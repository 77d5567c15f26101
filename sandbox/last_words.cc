#include "sandbox/last_words.h"

#include <algorithm>
#include <string_view>

#include "runtime/base/byte_text.h"

namespace stagebox::sandbox {
namespace {

constexpr std::string_view kMuslText = "No file descriptors available";
// Without its first letter: Go writes it small.
constexpr std::string_view kText = "oo many open files";
constexpr std::string_view kOfTheMachine = " in system";

}  // namespace

void LastWords::add(std::span<const std::byte> bytes) {
  const std::string_view text = base::text_of(bytes);
  const std::string_view kept = text.substr(text.size() - std::min(text.size(), kLength));
  if (end_.size() + kept.size() > 2 * kLength)
    end_.erase(0, std::min(end_.size(), end_.size() + kept.size() - kLength));
  end_ += kept;
}

bool LastWords::say_too_many_open_files() const {
  const std::string_view words =
      std::string_view(end_).substr(end_.size() - std::min(end_.size(), kLength));
  if (words.find(kMuslText) != std::string_view::npos) return true;
  for (std::size_t at = words.find(kText); at != std::string_view::npos;
       at = words.find(kText, at + kText.size())) {
    if (!words.substr(at + kText.size()).starts_with(kOfTheMachine)) return true;
  }
  return false;
}

}  // namespace stagebox::sandbox
