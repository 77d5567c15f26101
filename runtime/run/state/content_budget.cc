#include "runtime/run/state/content_budget.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

namespace stagebox::run {
namespace {

using base::Digest;
using base::Result;
using SizeOfBlob = std::unordered_map<Digest, std::uint64_t>;

/// The parts of one owner.
class PartsOfOwner {
 public:
  PartsOfOwner(const store::ContentStore& content, const SizeOfBlob& sizes)
      : content_(content), sizes_(sizes) {}

  std::vector<ContentPart> take(const store::LiveSet& needed) && {
    for (const Digest& blob : needed.blobs) add(blob);
    add_trees(needed.trees, true);
    add_trees(needed.listings, false);
    return std::move(parts_);
  }

 private:
  /// What is missing takes nothing.
  void add(const Digest& blob) {
    const auto size = sizes_.find(blob);
    if (size != sizes_.end() && added_.insert(blob).second) parts_.push_back({blob, size->second});
  }

  void add_trees(const std::set<Digest>& roots, bool with_files) {
    std::vector<Digest> pending(roots.begin(), roots.end());
    std::unordered_set<Digest> seen(roots.begin(), roots.end());
    while (!pending.empty()) {
      const Digest digest = pending.back();
      pending.pop_back();
      add(digest);
      const auto listing = content_.read_directory(digest);
      if (!listing.ok()) continue;  // Missing or damaged: it reaches nothing.
      if (with_files) {
        for (const store::FileEntry& file : listing->files) add(file.digest);
      }
      for (const store::DirectoryEntry& child : listing->directories) {
        if (seen.insert(child.digest).second) pending.push_back(child.digest);
      }
    }
  }

  const store::ContentStore& content_;
  const SizeOfBlob& sizes_;
  std::unordered_set<Digest> added_;
  std::vector<ContentPart> parts_;
};

/// Who keeps its content longest comes first.
std::vector<std::size_t> by_claim(const std::vector<ContentOwner>& owners) {
  std::vector<std::size_t> order(owners.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  // Those that keep theirs anyway count first; and nobody untrusted displaces what is trusted.
  std::ranges::stable_sort(order, [&owners](std::size_t a, std::size_t b) {
    const auto rank = [](const ContentOwner& owner) {
      return std::tuple(!owner.fixed, owner.trust != base::Trust::kTrusted);
    };
    if (rank(owners[a]) != rank(owners[b])) return rank(owners[a]) < rank(owners[b]);
    return owners[a].used > owners[b].used;
  });
  return order;
}

}  // namespace

Result<std::vector<std::vector<ContentPart>>> parts_of(const store::ContentStore& content,
                                                       const std::vector<ContentOwner>& owners) {
  const SizeOfBlob sizes = TRY(content.blob_sizes());
  std::vector<std::vector<ContentPart>> parts;
  parts.reserve(owners.size());
  for (const ContentOwner& owner : owners)
    parts.push_back(PartsOfOwner(content, sizes).take(owner.content));
  return parts;
}

std::vector<std::size_t> beyond_budget(const std::vector<ContentOwner>& owners,
                                       const std::vector<std::vector<ContentPart>>& parts,
                                       std::uint64_t budget) {
  std::unordered_set<Digest> counted;
  std::vector<std::size_t> beyond;
  std::uint64_t total = 0;
  bool is_full = false;
  for (const std::size_t index : by_claim(owners)) {
    std::unordered_set<Digest> fresh;
    std::uint64_t added = 0;
    for (const ContentPart& part : parts[index]) {
      if (!counted.contains(part.digest) && fresh.insert(part.digest).second) added += part.bytes;
    }
    is_full = is_full || total + added > budget;
    if (is_full && added != 0 && !owners[index].fixed) {
      beyond.push_back(index);
      continue;
    }
    counted.merge(fresh);
    total += added;
  }
  return beyond;
}

}  // namespace stagebox::run
