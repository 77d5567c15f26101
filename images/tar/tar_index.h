// TarIndex: where each member of an image archive lies in the file. It reads the headers of the
// outer tar archive only (ustar, GNU and pax long names and sizes); layers are read by TarReader.
// What it says is a claim of the archive: every byte taken from it is verified by digest later.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "images/base/limits.h"
#include "images/stream/file_range.h"
#include "runtime/base/result.h"

namespace stagebox::images {

class TarIndex {
 public:
  /// kInvalid for what is no tar archive (compressed ones are not), is truncated within a member,
  /// or has two documents of the same name ("index.json") that could mean different images.
  static base::Result<TarIndex> read(FileRange archive, const Limits& limits);

  /// A regular member, symbolic and hard links followed within the archive; of several members of
  /// one name the last, as unpacking would have it.
  [[nodiscard]] base::Result<std::optional<FileRange>> find(const std::string& name) const;
  /// False when the file ends without the blocks of zeros that end a tar archive.
  [[nodiscard]] bool has_end_marker() const { return has_end_marker_; }

 private:
  struct Member {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    std::optional<std::string> link;  ///< Name of the member that is meant.
  };
  friend class TarIndexReader;

  FileRange archive_;
  std::map<std::string, Member, std::less<>> members_;
  bool has_end_marker_ = false;
};

}  // namespace stagebox::images
