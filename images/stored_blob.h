// StoredBlob: a layer that the store has already, as an archive brings it once more. It is not
// unpacked again, but what the archive has is verified as if it were: who damages or exchanges a
// blob is told so, whatever the store holds.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>

#include "images/layer/layer_reader.h"
#include "images/layer_store.h"
#include "runtime/base/result.h"

namespace stagebox::images {

/// True when a hash of the stored bytes is enough to verify them: they are the archive itself, or
/// are known to have this diff id. Otherwise they have to be inflated.
base::Result<bool> is_verified_by_hash(const LayerSource& source, const LayerInfo& stored);

/// Hashes the stored bytes, for which is_verified_by_hash holds. kInvalid names the digest that is
/// wrong, kCancelled when `stop` was requested. `on_read` is told how many bytes were read; it may
/// be empty.
base::Result<void> verify_by_hash(const LayerSource& source, const std::stop_token& stop,
                                  const std::function<void(std::uint64_t bytes)>& on_read);

}  // namespace stagebox::images
