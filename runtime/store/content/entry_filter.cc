#include "runtime/store/content/entry_filter.h"

#include <ranges>
#include <utility>

namespace stagebox::store {

using base::EntryType;
using base::PathPatterns;
using base::PatternMatch;

EntryFilter::Verdict EntryFilter::judge(std::string_view path, EntryType type) const {
  if (is_excluded(path, type)) return Verdict::kSkip;
  if (options_.include.empty()) return Verdict::kTake;
  const PatternMatch included = options_.include.match(path, type);
  if (included == PatternMatch::kExcepted) return Verdict::kSkip;
  if (included == PatternMatch::kMatches || levels_.back().takes_all) return Verdict::kTake;
  return type == EntryType::kDirectory ? Verdict::kEnter : Verdict::kSkip;
}

bool EntryFilter::is_excluded(std::string_view path, EntryType type) const {
  const PatternMatch match = options_.exclude.match(path, type);
  if (match != PatternMatch::kNone) return match == PatternMatch::kMatches;
  return options_.gitignore && is_ignored(path, type);
}

// The innermost file that says anything of the entry decides.
bool EntryFilter::is_ignored(std::string_view path, EntryType type) const {
  for (const auto& level : std::views::reverse(levels_)) {
    const PatternMatch match = level.ignored.match(path.substr(level.prefix), type);
    if (match != PatternMatch::kNone) return match == PatternMatch::kMatches;
  }
  for (const OuterIgnoreFile& outer : options_.outer_ignores) {
    const std::string whole = outer.below + "/" + std::string(path);
    const PatternMatch match = outer.patterns.match(whole, type);
    if (match != PatternMatch::kNone) return match == PatternMatch::kMatches;
  }
  return false;
}

void EntryFilter::enter(std::string_view path, Verdict verdict, std::string_view ignore_file) {
  levels_.push_back({.prefix = path.empty() ? 0 : path.size() + 1,
                     .takes_all = verdict == Verdict::kTake,
                     .ignored = PathPatterns::parse_ignore_file(ignore_file)});
}

}  // namespace stagebox::store
