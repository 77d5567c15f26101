// ImportProgress: how far an import is, for whoever shows it. Plain counters without locks or
// pointers, so they may also lie in memory that processes share.
#pragma once

#include <atomic>
#include <cstdint>

namespace stagebox::images {

struct ImportProgress {
  /// Stored bytes of the layers that have to be read; 0 until that is known.
  std::atomic<std::uint64_t> bytes_total = 0;
  std::atomic<std::uint64_t> bytes_read = 0;
  /// Entries of the layers that were carried out.
  std::atomic<std::uint64_t> entries = 0;
  std::atomic<std::uint64_t> layers_total = 0;
  std::atomic<std::uint64_t> layers_done = 0;  ///< Those that were in the store already included.
};

}  // namespace stagebox::images
