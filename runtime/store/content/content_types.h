// The words the content store speaks in: what a stored blob or tree is called, and who owns what is
// made visible to a stage. Values only; the store itself is content_store.h.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "runtime/base/digest.h"

namespace stagebox::store {

using base::Digest;

/// The one permission bit that is part of a file's identity.
enum class Executable { kNo, kYes };

/// A stored blob.
struct BlobRef {
  Digest digest;
  std::uint64_t size = 0;  ///< bytes
  bool operator==(const BlobRef&) const = default;
};

/// A stored tree: a Merkle tree of Remote Execution API `Directory` messages.
struct TreeRef {
  Digest root;              ///< of the root's `Directory` message
  std::uint64_t size = 0;   ///< bytes of that message, as REAPI digests want it
  std::uint64_t files = 0;  ///< regular files in the whole tree
  std::uint64_t bytes = 0;  ///< sum of their sizes
  bool operator==(const TreeRef&) const = default;
};

/// How much a tree is.
struct TreeSize {
  std::uint64_t files = 0;  ///< regular files
  std::uint64_t bytes = 0;  ///< sum of their sizes
};

/// Who owns the files and directories of the store, when that is not the caller: the host id of a
/// sandbox's root, say. The default leaves them to the caller.
struct TreeOwner {
  uid_t uid = static_cast<uid_t>(-1);
  gid_t gid = static_cast<gid_t>(-1);
};

/// The user of a stage, by its ids inside the sandbox.
struct StageIds {
  uid_t uid = 0;
  gid_t gid = 0;
};

}  // namespace stagebox::store
