#include "scheduler/nearest_name.h"

#include <algorithm>
#include <cstddef>

#include "scheduler/diagnostics.h"

namespace stagebox::scheduler {
namespace {

constexpr std::size_t kMaxCandidates = 2000;
constexpr std::size_t kMaxName = 64;
constexpr std::size_t kMaxListed = 8;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// About one mistake in three letters, and never so many that any short name is near any other.
std::size_t tolerance(std::size_t length) {
  if (length <= 2) return length == 0 ? 0 : length - 1;
  return std::min<std::size_t>(3, (length + 1) / 3);
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit) {
  const std::size_t gap = a.size() > b.size() ? a.size() - b.size() : b.size() - a.size();
  if (gap > limit) return limit + 1;
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const char x = lower(a[i - 1]);
      const char y = lower(b[j - 1]);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (x == y ? 0U : 1U)});
      const bool swapped = i > 1 && j > 1 && x == lower(b[j - 2]) && lower(a[i - 2]) == y;
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    if (*std::ranges::min_element(row) > limit) return limit + 1;
    before.swap(last);
    last.swap(row);
  }
  return std::min(last[b.size()], limit + 1);
}

std::optional<std::string> nearest_name(std::string_view name,
                                        std::span<const std::string_view> candidates) {
  if (name.size() > kMaxName) return std::nullopt;
  std::size_t best = tolerance(name.size()) + 1;
  std::optional<std::string> nearest;
  for (const std::string_view candidate :
       candidates.first(std::min(candidates.size(), kMaxCandidates))) {
    if (best == 0) break;
    if (candidate.size() > kMaxName) continue;
    const std::size_t distance = edit_distance(name, candidate, best - 1);
    if (distance >= best) continue;
    best = distance;
    nearest = std::string(candidate);
  }
  return nearest;
}

std::string name_hint(std::string_view name, std::span<const std::string_view> candidates) {
  if (const auto nearest = nearest_name(name, candidates))
    return "did you mean " + backquoted(*nearest) + "?";
  if (candidates.empty() || candidates.size() > kMaxListed) return "";
  std::string list;
  for (const std::string_view candidate : candidates)
    list += (list.empty() ? "known are " : ", ") + backquoted(candidate);
  return list;
}

}  // namespace stagebox::scheduler
