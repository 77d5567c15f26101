// StoredOutput: what a stage left behind and the store has.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/base/relative_path.h"
#include "runtime/base/result.h"
#include "runtime/store/content/content_types.h"

namespace stagebox::store {

enum class OutputKind { kFile, kDirectory };

/// "file" or "directory".
std::string_view output_kind_name(OutputKind kind);
base::Result<OutputKind> parse_output_kind(std::string_view name);

/// An artifact: a declared output that was stored.
struct StoredOutput {
  std::string name;
  base::RelativePath path;  ///< in the workspace
  OutputKind kind = OutputKind::kFile;
  Digest digest;           ///< of the file, or the root of the tree
  std::uint64_t size = 0;  ///< bytes of the file, or of the root's Directory message
  Executable executable = Executable::kNo;
  std::uint64_t total_bytes = 0;  ///< of all files in it, for display
  bool operator==(const StoredOutput&) const = default;
};

}  // namespace stagebox::store
