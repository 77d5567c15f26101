#include "runtime/store/content/stored_files.h"

#include <unordered_set>
#include <vector>

#include "runtime/store/content/blob_files.h"
#include "runtime/store/content/blob_reader.h"

namespace stagebox::store {
namespace {

/// In whichever variant it is there, as ContentStore::check_tree takes it.
bool add_variants(const BlobFiles& store, const Digest& digest, StoredFiles& files) {
  const bool plain = add_stored_file(store, digest, Executable::kNo, files);
  const bool executable = add_stored_file(store, digest, Executable::kYes, files);
  return plain || executable;
}

}  // namespace

std::string stored_file_path(const Digest& digest, Executable executable) {
  return "cas/blobs/" + BlobFiles::blob_path(BlobFiles::blob_name(digest, executable));
}

bool add_stored_file(const BlobFiles& store, const Digest& digest, Executable executable,
                     StoredFiles& files) {
  if (files.contains({digest, executable})) return true;
  const auto status = store.settled(digest, executable);
  if (status) files.emplace(std::pair(digest, executable), EntryStamp::of(*status));
  return status.has_value();
}

bool add_stored_tree(const BlobFiles& store, const Digest& root, StoredFiles& files) {
  std::vector<Digest> pending{root};
  std::unordered_set<Digest> seen{root};
  while (!pending.empty()) {
    const Digest digest = pending.back();
    pending.pop_back();
    const auto listing = read_listing(store, digest);
    if (!listing.ok() || !add_variants(store, digest, files)) return false;
    for (const FileEntry& file : listing->files) {
      if (!add_variants(store, file.digest, files)) return false;
    }
    for (const DirectoryEntry& child : listing->directories) {
      if (seen.insert(child.digest).second) pending.push_back(child.digest);
    }
  }
  return true;
}

}  // namespace stagebox::store
