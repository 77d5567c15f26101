#include "sandbox/ids/id_mappings.h"

namespace stagebox::sandbox {
namespace {

using base::Result;

constexpr std::size_t kMaxRanges = 340;  // UID_GID_MAP_MAX_EXTENTS

bool overlap(std::uint64_t one, std::uint64_t other, const IdRange& a, const IdRange& b) {
  return one < other + b.count && other < one + a.count;
}

Result<void> check_ranges(const std::vector<IdRange>& ranges, const IdMap& given,
                          const char* what) {
  const std::string name = std::string("the mapping of ") + what;
  if (ranges.size() > kMaxRanges) return base::invalid(name + " has more than 340 ranges");
  if (!outside_id(ranges, 0)) return base::invalid(name + " leaves out id 0");
  const std::uint64_t end = std::uint64_t{given.first} + given.count;
  for (const IdRange& range : ranges) {
    if (range.count == 0) return base::invalid(name + " has an empty range");
    if (range.outside < given.first || std::uint64_t{range.outside} + range.count > end) {
      return base::unsupported(name + " leads to id " + std::to_string(range.outside) +
                               ", and the sandbox may only have ids from " +
                               std::to_string(given.first) + " to " + std::to_string(end - 1));
    }
    for (const IdRange& other : ranges) {
      if (&other == &range) break;
      if (overlap(range.inside, other.inside, range, other) ||
          overlap(range.outside, other.outside, range, other))
        return base::invalid(name + " has ranges that overlap");
    }
  }
  return {};
}

}  // namespace

Result<IdMappings> resolve_id_mappings(const std::optional<IdMappings>& wanted,
                                       const IdMap& given) {
  if (!wanted) {
    const std::vector<IdRange> all{{0, given.first, given.count}};
    return IdMappings{all, all};
  }
  TRY(check_ranges(wanted->users, given, "users"));
  TRY(check_ranges(wanted->groups, given, "groups"));
  return *wanted;
}

std::string id_map_text(const std::vector<IdRange>& ranges) {
  std::string text;
  for (const IdRange& range : ranges) {
    text += std::to_string(range.inside) + " " + std::to_string(range.outside) + " " +
            std::to_string(range.count) + "\n";
  }
  return text;
}

std::optional<std::uint32_t> outside_id(const std::vector<IdRange>& ranges, std::uint32_t inside) {
  for (const IdRange& range : ranges) {
    if (inside >= range.inside && inside - range.inside < range.count)
      return range.outside + (inside - range.inside);
  }
  return std::nullopt;
}

}  // namespace stagebox::sandbox
