// LogPacker: the way into the log of a stage that writes much at once. It compresses what comes, on
// a thread of its own, so that neither the stage nor its supervision waits for that, and so that
// such a log does not fill the disk, or memory on the way there. What comes faster than it can be
// compressed is written as it is: LogArchivist compresses it later.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/logs/log_file.h"
#include "runtime/logs/log_format.h"
#include "runtime/logs/log_frame.h"

namespace stagebox::logs {

/// Used by one thread, beside its own.
class LogPacker {
 public:
  /// Of kMaxUnpacked bytes each: what it needs of memory, beside a frame and what zstd takes.
  static constexpr std::size_t kParts = 5;

  /// `file`, which outlives it, is the thread's but while it is_idle(). nullptr when there can be
  /// no thread.
  static std::unique_ptr<LogPacker> start(LogFile& file);
  ~LogPacker();
  LogPacker(const LogPacker&) = delete;
  LogPacker& operator=(const LogPacker&) = delete;

  /// Where kMaxChunk bytes can be put that are added next, which saves a copy of them. The thread
  /// lets it be until the next call, even of release(). Waits while all parts are full. Empty after
  /// an error.
  std::span<std::byte> room();
  void release();
  /// A record of up to kMaxChunk bytes of one of the streams. Of the header the length and the time
  /// are set here. The file gets it soon. An error is of
  /// this or of an earlier one, behind which the file has none; then no more can be added.
  base::Result<void> add(RecordHeader header, std::span<const std::byte> content);
  /// Returns when the file has all that was added.
  base::Result<void> drain();
  /// Whether the file has all, and there was no error.
  [[nodiscard]] bool is_idle();

 private:
  /// Records of what will be one frame.
  struct Part {
    std::unique_ptr<std::byte[]> bytes;
    std::size_t used = 0;
    [[nodiscard]] std::span<const std::byte> records() const { return {bytes.get(), used}; }
  };

  explicit LogPacker(LogFile& file);
  [[nodiscard]] std::span<std::byte> open_room() const;
  [[nodiscard]] bool has_any() const;
  void work();
  Part take_part();
  void give_back(Part part);
  void give_up();
  base::Result<void> write(std::span<const std::byte> records);
  [[nodiscard]] bool is_to_be_packed(std::size_t bytes);
  void learn_from(std::size_t bytes, std::size_t packed);

  LogFile& file_;
  std::mutex mutex_;
  std::condition_variable changed_;  ///< For the thread.
  std::condition_variable written_;  ///< For whoever adds.
  Part open_;                        ///< Guarded, but what room() gave.
  std::vector<Part> full_;           ///< Guarded. The oldest first.
  std::vector<Part> free_;           ///< Guarded.
  bool is_held_ = false;             ///< Guarded. The open part is not to be taken.
  bool is_writing_ = false;          ///< Guarded.
  bool is_ending_ = false;           ///< Guarded.
  base::Result<void> failure_;       ///< Guarded.

  // The thread's own.
  FrameMaker maker_;
  bool is_cheap_ = false;      ///< The last frame was so small that compressing it cost little.
  std::size_t left_out_ = 0;   ///< So many parts are not tried to be compressed.
  std::size_t leave_out_ = 1;  ///< So many next time when one cannot be.
  std::thread thread_;
};

}  // namespace stagebox::logs
