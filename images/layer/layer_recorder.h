// LayerRecorder: writes the LayerRecord of a layer while the layer is unpacked. It stands between
// the layer's bytes and the tar reader, passes them on, and is told by the applier which of them
// went into which file; all others it keeps. It copies nothing of a file's content.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>

#include "images/layer/layer_record.h"
#include "images/stream/byte_stream.h"
#include "images/stream/zstd_writer.h"
#include "runtime/base/result.h"

namespace stagebox::images {

class LayerRecorder final : public ByteStream {
 public:
  /// `tar` and `record_fd` must outlive the recorder.
  LayerRecorder(ByteStream& tar, int record_fd) : tar_(tar), writer_(record_fd) {}

  /// The archive's next bytes, as `tar` has them.
  base::Result<std::span<const std::byte>> next() override;

  /// `bytes`, which the archive has at `tar_offset`, were written to `path` at `file_offset`. In
  /// the order of the archive and before much more of it is read.
  base::Result<void> stored(const std::string& path, std::uint64_t file_offset,
                            std::uint64_t tar_offset, std::span<const std::byte> bytes);
  /// A file's content is not, or not wholly, in what was stored (a copy, holes): the layer's
  /// snapshot must have a checksum of it.
  void note_other_content(const std::string& path) { other_content_.insert(path); }
  /// Something that was stored is gone again (the archive has a second entry of that name).
  void note_loss() { lost_ = true; }

  /// Reads the archive to its end and completes the record. With losses the record is not complete;
  /// then record_whole() makes one.
  base::Result<void> finish();
  [[nodiscard]] bool has_losses() const { return lost_; }
  [[nodiscard]] const std::set<std::string>& other_content() const { return other_content_; }

 private:
  [[nodiscard]] std::uint64_t end() const { return piece_start_ + piece_.size(); }
  [[nodiscard]] bool has(std::uint64_t offset, std::span<const std::byte> bytes) const;
  base::Result<void> keep_until(std::uint64_t offset);
  base::Result<void> keep(std::span<const std::byte> bytes);
  base::Result<void> write_stored();

  ByteStream& tar_;
  ZstdWriter writer_;
  std::span<const std::byte> piece_;  ///< What next() gave last; ends at end().
  std::uint64_t piece_start_ = 0;     ///< In the archive.
  std::string held_;                  ///< Undecided bytes before piece_.
  std::uint64_t decided_ = 0;         ///< Everything before this is in the record.
  RecordPiece stored_;                ///< Ends at decided_; not written yet, it may grow.
  std::set<std::string> other_content_;
  bool lost_ = false;
};

/// A record that holds the whole archive: for a layer whose files do not have all of it.
base::Result<void> record_whole(ByteStream& tar, int record_fd);

}  // namespace stagebox::images
