#include "runtime/run/secrets/added_masks.h"

#include <algorithm>
#include <new>

#include "runtime/run/secrets/secret_patterns.h"

namespace stagebox::run {
namespace {

std::string_view text_of_mask(const base::LockedBytes& value) {
  return {value.data(), value.size()};
}

// Line breaks are not looked at when it is masked.
std::size_t size_without_breaks(std::string_view value) {
  return static_cast<std::size_t>(
      std::ranges::count_if(value, [](char c) { return c != '\n' && c != '\r'; }));
}

}  // namespace

AddedMasks::Answer AddedMasks::add(std::string_view value) {
  if (size_without_breaks(value) < kLeast) return Answer::kTooShort;
  const auto is_value = [&](const auto& one) { return text_of_mask(one) == value; };
  if (std::ranges::any_of(values_, is_value)) return Answer::kAdded;
  if (values_.size() == kMost || value.size() > kMostBytes - bytes_) return Answer::kTooMuch;
  // What a container in locked memory throws where there is no more of it.
  try {
    std::vector<base::LockedBytes> all = values_;
    all.emplace_back(value.begin(), value.end());
    SecretPatterns patterns;
    for (const base::LockedBytes& one : all) patterns.add_value(text_of_mask(one));
    automaton_ = std::make_shared<const SecretAutomaton>(patterns);
    values_ = std::move(all);
  } catch (const std::bad_alloc&) {
    return Answer::kNoMemory;
  }
  bytes_ += value.size();
  return Answer::kAdded;
}

}  // namespace stagebox::run
