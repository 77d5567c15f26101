// StoredFiles: the files of the content store that a result reaches, with their stamps, so that it
// can be told later without opening any that they are all there and undamaged.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "runtime/store/content/content_types.h"
#include "runtime/store/content/entry_stamp.h"

namespace stagebox::store {

class BlobFiles;

/// Each once, however many outputs reach it. A stamp is of a file that was known to have the
/// content that its name says (verified_blobs.h): with the same stamp it still has.
using StoredFiles = std::map<std::pair<Digest, Executable>, EntryStamp>;

/// Below the state directory.
std::string stored_file_path(const Digest& digest, Executable executable);

/// See ContentStore::list_files. For a caller who holds the store's shared lock.
bool add_stored_file(const BlobFiles& store, const Digest& digest, Executable executable,
                     StoredFiles& files);
bool add_stored_tree(const BlobFiles& store, const Digest& root, StoredFiles& files);

}  // namespace stagebox::store
