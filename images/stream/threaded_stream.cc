#include "images/stream/threaded_stream.h"

#include "runtime/base/start_thread.h"

namespace stagebox::images {

base::Result<std::unique_ptr<ThreadedStream>> ThreadedStream::start(ByteStream& upstream) {
  std::unique_ptr<ThreadedStream> stream(new ThreadedStream(upstream));
  stream->thread_ =
      TRY(base::start_thread("start a thread", [self = stream.get()] { self->pull(); }));
  return stream;
}

ThreadedStream::~ThreadedStream() {
  {
    const std::scoped_lock lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void ThreadedStream::pull() {
  while (wait_for_room()) {
    auto piece = upstream_.next();
    const bool is_last = !piece.ok() || piece->empty();
    put(std::move(piece));
    if (is_last) return;
  }
}

// The piece that is made next and the one that is being read are not among the ready ones, so
// `kAhead - 1` of these are all that may be there.
bool ThreadedStream::wait_for_room() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return stopped_ || ready_.size() < kAhead; });
  return !stopped_;
}

void ThreadedStream::put(base::Result<std::span<const std::byte>> piece) {
  const std::scoped_lock lock(mutex_);
  ready_.push_back(std::move(piece));
  changed_.notify_all();
}

base::Result<std::span<const std::byte>> ThreadedStream::next() {
  if (error_) return *error_;
  if (at_end_) return std::span<const std::byte>();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !ready_.empty(); });
  auto piece = std::move(ready_.front());
  ready_.pop_front();
  if (!piece.ok()) {
    error_ = piece.error();
  } else {
    at_end_ = piece->empty();
  }
  changed_.notify_all();
  return piece;
}

}  // namespace stagebox::images
