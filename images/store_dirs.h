// StoreDirs: the directories of the image store and its lock. Layout below images/ of the home:
//   layers/<chain id>[-<shift>|-single]/*                 complete and never changed again
//   manifests/<hex>  configs/<hex>                        the documents, byte for byte
//   refs/<name>.ref                                       "sha256:<hex>" of a manifest
//   memo/<hex>                                            what file gave which manifest
//   used/<hex of a manifest>                              its time: when it was used last
//   tmp/<random>/{lock,*}                                 imports and removals in progress
//   lock                                                  held by whoever changes what is visible
//   layers.lock                                           see LayerLocks
#pragma once

#include <string>
#include <vector>

#include "runtime/base/digest.h"
#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::images {

struct StoreDirs {
  base::UniqueFd root;
  base::UniqueFd layers;
  base::UniqueFd manifests;
  base::UniqueFd configs;
  base::UniqueFd refs;
  base::UniqueFd memo;
  base::UniqueFd used;
  base::UniqueFd tmp;

  static base::Result<StoreDirs> open(int home_fd);
  /// The store's lock, for moments: whoever makes layers, documents or names visible, or takes
  /// them away, holds it. Released when it is closed.
  [[nodiscard]] base::Result<base::UniqueFd> lock() const;
};

/// flock(2) over EINTR; false when it would block and `operation` has LOCK_NB.
base::Result<bool> lock_fd(int fd, int operation);
/// The documents of one of the directories; unfinished files are left out.
base::Result<std::vector<base::Digest>> list_digests(int dir_fd);
/// A document whose name is its digest; kNotFound, or kCorrupt when it does not verify.
base::Result<std::string> read_by_digest(int dir_fd, const base::Digest& digest);

}  // namespace stagebox::images
