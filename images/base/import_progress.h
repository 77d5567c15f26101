// ImportProgress: how far an import is, for whoever shows it: plain counters without locks. They
// are written by the threads of the import, looked at from any other, and mean nothing but what can
// be shown; those of a layer come from the process that unpacks it, and are only held to the
// layer's size.
#pragma once

#include <atomic>
#include <cstdint>

namespace stagebox::images {

struct ImportProgress {
  enum class Phase : std::uint8_t {
    kReading,    ///< The archive, from a pipe or to decompress it or to know what is in it.
    kWaiting,    ///< For another import, which has a layer in work that this one needs too.
    kUnpacking,  ///< The layers that the store lacks.
    kWriting,    ///< Everything to disk; then it is visible.
  };
  std::atomic<Phase> phase = Phase::kReading;
  std::atomic<std::uint64_t> bytes_read = 0;   ///< Stored bytes, in this phase.
  std::atomic<std::uint64_t> bytes_total = 0;  ///< 0: not known (a pipe).
  /// Files and directories of the layers that were made.
  std::atomic<std::uint64_t> entries = 0;
  std::atomic<std::uint64_t> layers_total = 0;
  std::atomic<std::uint64_t> layers_done = 0;  ///< Those that were in the store already included.

  void begin(Phase next, std::uint64_t total) {
    phase = next;
    bytes_read = 0;
    bytes_total = total;
  }
};

/// How far one layer is.
struct LayerProgress {
  std::uint64_t bytes_read = 0;  ///< Of the layer as it is stored in the archive.
  std::uint64_t entries = 0;
};

}  // namespace stagebox::images
