// ZstdWriter: writes one zstd frame with a checksum into a file, piece by piece, with the fastest
// level: for what the store keeps about a layer, which is mostly zeros and repetition.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "runtime/base/result.h"

namespace stagebox::images {

class ZstdWriter {
 public:
  /// `fd` is open for writing and must outlive the writer.
  explicit ZstdWriter(int fd);
  ~ZstdWriter();
  ZstdWriter(const ZstdWriter&) = delete;
  ZstdWriter& operator=(const ZstdWriter&) = delete;

  base::Result<void> append(std::string_view data);
  /// Ends the frame; nothing may be appended any more. Does not sync.
  base::Result<void> finish();

 private:
  enum class Flush { kNo, kEnd };
  base::Result<void> compress(std::string_view data, Flush flush);

  struct Context;
  int fd_;
  std::unique_ptr<Context> context_;
  std::string out_;
};

}  // namespace stagebox::images
