#include "runtime/run/secrets/added_masks.h"

#include <algorithm>
#include <new>

#include "runtime/run/secrets/secret_patterns.h"

namespace stagebox::run {

using base::text_of;

AddedMasks::Answer AddedMasks::add(std::string_view value) {
  if (size_looked_for(value) < kLeast) return Answer::kTooShort;
  const auto is_value = [&](const auto& one) { return text_of(one) == value; };
  if (std::ranges::any_of(values_, is_value)) return Answer::kAdded;
  if (values_.size() == kMost || value.size() > kMostBytes - bytes_) return Answer::kTooMuch;
  // What a container in locked memory throws where there is no more of it.
  try {
    std::vector<base::LockedBytes> all = values_;
    all.emplace_back(value.begin(), value.end());
    SecretPatterns patterns;
    for (const base::LockedBytes& one : all) patterns.add_value(text_of(one));
    automaton_ = std::make_shared<const SecretAutomaton>(patterns);
    values_ = std::move(all);
  } catch (const std::bad_alloc&) {
    return Answer::kNoMemory;
  }
  bytes_ += value.size();
  return Answer::kAdded;
}

}  // namespace stagebox::run
