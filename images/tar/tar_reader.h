// TarReader: the entries of a layer's tar archive, one after the other. The only place that knows
// libarchive, which is used as a reader without filters: it inflates nothing, starts nothing and
// writes nothing. Names are given as the bytes that the archive has; nothing is checked for safety
// here (see EntryName).
#pragma once

#include <sys/types.h>
#include <time.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "images/base/limits.h"
#include "images/stream/byte_stream.h"
#include "runtime/base/result.h"

namespace stagebox::images {

struct Xattr {
  std::string name;
  std::string value;
};

struct TarEntry {
  enum class Type { kFile, kDirectory, kSymlink, kHardlink, kFifo, kDevice, kUnknown };

  std::string path;
  std::string link_target;  ///< kSymlink and kHardlink.
  Type type = Type::kUnknown;
  mode_t mode = 0;  ///< Permission, set-id and sticky bits.
  std::int64_t uid = 0;
  std::int64_t gid = 0;
  std::uint64_t size = 0;  ///< kFile; holes included.
  struct timespec mtime{};
  std::vector<Xattr> xattrs;
};

class TarReader {
 public:
  /// A piece of a file's content; what no piece covers is a hole.
  struct Data {
    std::span<const std::byte> bytes;
    std::uint64_t offset = 0;      ///< In the file.
    std::uint64_t tar_offset = 0;  ///< Where the archive has these bytes.
  };

  /// Both must outlive the reader.
  TarReader(ByteStream& stream, const Limits& limits);
  TarReader(const TarReader&) = delete;
  TarReader& operator=(const TarReader&) = delete;
  ~TarReader();

  /// nullopt at the end of the archive. Data that was not read is passed over.
  base::Result<std::optional<TarEntry>> next();
  /// The next piece of the current file; nullopt at its end. Valid until the next call.
  base::Result<std::optional<Data>> next_data();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace stagebox::images
