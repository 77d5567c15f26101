// ThreadedStream: lets a thread of its own pull from another stream, a few pieces ahead of whoever
// reads here. Memory is bounded by the upstream's PieceRing; nothing is copied.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "images/stream/byte_stream.h"

namespace stagebox::images {

class ThreadedStream final : public ByteStream {
 public:
  /// Pieces that may wait between the threads: enough to bridge a burst of small files, whose
  /// creation takes longer than the making of their bytes.
  static constexpr std::size_t kAhead = 3;
  /// As many pieces before its newest must the upstream keep valid.
  static constexpr std::size_t kKept = kAhead;

  /// Starts the thread. `upstream` must outlive this, and belongs to the thread until next() has
  /// given the end or an error.
  static base::Result<std::unique_ptr<ThreadedStream>> start(ByteStream& upstream);
  ThreadedStream(const ThreadedStream&) = delete;
  ThreadedStream& operator=(const ThreadedStream&) = delete;
  /// Waits until the thread is done with its current piece.
  ~ThreadedStream() override;

  base::Result<std::span<const std::byte>> next() override;

 private:
  explicit ThreadedStream(ByteStream& upstream) : upstream_(upstream) {}
  void pull();
  bool wait_for_room();
  void put(base::Result<std::span<const std::byte>> piece);

  ByteStream& upstream_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<base::Result<std::span<const std::byte>>> ready_;
  bool stopped_ = false;
  bool at_end_ = false;
  std::optional<base::Error> error_;  ///< Was given; given again.
  std::thread thread_;
};

}  // namespace stagebox::images
