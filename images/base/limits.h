// Limits: how much an image may ask of the machine while it is imported. Every number has a unit
// and a reason; all of them can be lowered or raised per import. Budget counts what one import has
// used of the limits that hold for the whole image.
#pragma once

#include <atomic>
#include <cstdint>

#include "runtime/base/result.h"

namespace stagebox::images {

struct Limits {
  /// Bytes of one JSON document. Registries stop at 4 MiB; 20 MiB is what other importers use.
  std::uint64_t json_bytes = 20ULL << 20;
  /// Values in one JSON document: each costs some tens of bytes of memory however short it is.
  std::uint64_t json_values = 1'000'000;
  /// Nesting of one JSON document. Real ones stay below 10.
  int json_depth = 64;
  /// Nesting of indexes; Docker's containerd store needs 2.
  int index_depth = 4;
  /// Manifests and indexes looked at in one archive.
  std::uint64_t index_entries = 10'000;
  /// Bytes of all JSON documents that are looked at in one archive.
  std::uint64_t documents_bytes = 128ULL << 20;
  /// Members of the outer archive: the index of it is held in memory.
  std::uint64_t archive_members = 200'000;
  /// Layers: what one overlay mount takes (fsconfig "lowerdir+", Linux 6.5).
  std::uint64_t layers = 500;
  /// Bytes of all layers, unpacked. The largest images of practice have some 30 GiB.
  std::uint64_t expanded_bytes = 64ULL << 30;
  /// Unpacked bytes per stored byte. Real layers reach 20; zeros reach 1,000 (gzip) or 30,000
  /// (zstd).
  std::uint64_t ratio = 200;
  /// Unpacked bytes of a layer below which the ratio is not looked at.
  std::uint64_t ratio_free_bytes = 64ULL << 20;
  /// Entries of all layers, implied parent directories included: each may cost an inode.
  std::uint64_t entries = 2'000'000;
  /// Components of a path: bounds the work per entry and the recursion of whoever walks the tree.
  std::uint64_t path_depth = 256;
  /// Bytes of the headers of one entry: a sparse map becomes ten times its size in memory.
  std::uint64_t header_bytes = 8ULL << 20;
  /// Extended attributes of one entry. Real ones have 1 or 2.
  std::uint64_t xattrs = 64;
  /// Bytes of one extended attribute's value (XATTR_SIZE_MAX).
  std::uint64_t xattr_bytes = 64ULL << 10;
  /// Bytes of what is remembered about directories until the layer is complete.
  std::uint64_t pending_bytes = 512ULL << 20;
};

/// What was used of the limits that hold for a whole image.
struct BudgetUse {
  std::uint64_t expanded = 0;
  std::uint64_t files = 0;
  std::uint64_t entries = 0;
};

/// What one import has used so far. Thread-safe.
class Budget {
 public:
  explicit Budget(const Limits& limits, const BudgetUse& already = {})
      : limits_(limits),
        expanded_(already.expanded),
        files_(already.files),
        entries_(already.entries) {}

  /// Bytes of layer archives, uncompressed. kInvalid when the image exceeds its limit.
  base::Result<void> charge_expanded(std::uint64_t bytes) {
    return charge(expanded_, bytes, limits_.expanded_bytes, "bytes of unpacked layers");
  }
  /// Bytes of files as stat(2) will tell them: holes and copies count too.
  base::Result<void> charge_files(std::uint64_t bytes) {
    return charge(files_, bytes, limits_.expanded_bytes, "bytes of files");
  }
  base::Result<void> charge_entries(std::uint64_t count) {
    return charge(entries_, count, limits_.entries, "files and directories");
  }
  base::Result<void> charge_entry() { return charge_entries(1); }
  /// What one layer used.
  base::Result<void> charge_all(const BudgetUse& use) {
    TRY(charge_expanded(use.expanded));
    TRY(charge_files(use.files));
    return charge_entries(use.entries);
  }
  /// Bytes of memory held until a layer is complete.
  base::Result<void> charge_pending(std::uint64_t bytes) {
    return charge(pending_, bytes, limits_.pending_bytes,
                  "bytes of directory names and attributes");
  }
  [[nodiscard]] const Limits& limits() const { return limits_; }
  [[nodiscard]] BudgetUse use() const { return {expanded_, files_, entries_}; }

 private:
  static base::Result<void> charge(std::atomic<std::uint64_t>& used, std::uint64_t amount,
                                   std::uint64_t limit, const char* what) {
    const std::uint64_t before = used.load();
    if (amount > limit || before > limit - amount) {
      return base::invalid("the image has more than " + std::to_string(limit) + " " + what +
                           ", the limit for one import");
    }
    used += amount;
    return {};
  }

  Limits limits_;
  std::atomic<std::uint64_t> expanded_;
  std::atomic<std::uint64_t> files_;
  std::atomic<std::uint64_t> entries_;
  std::atomic<std::uint64_t> pending_ = 0;
};

}  // namespace stagebox::images
