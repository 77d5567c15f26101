// Comparing two stage keys: what makes two recorded actions differ, down to the input file. Pure
// but for the Directory messages of stored trees, which it asks for, and only where digests differ.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/store/content/content_types.h"
#include "runtime/store/content/directory_listing.h"
#include "runtime/store/recorded_action.h"

namespace stagebox::store {

enum class DifferenceKind {
  kCommand,  ///< the arguments
  kVariable,
  kOutput,  ///< the declaration of an output
  kWorkdir,
  kImage,
  kNetwork,
  kUser,
  kSalt,     ///< or the trust domain
  kOverlay,  ///< whether an input can be written to
  kInput,    ///< a file, directory or link of the input root
  kOther,
};
/// "command", "variable", ... as in JSON.
std::string_view to_string(DifferenceKind kind);

/// One thing that differs. A side that does not have it has no value.
struct Difference {
  DifferenceKind kind = DifferenceKind::kOther;
  std::string name;  ///< of the variable, the path of the input or output; else empty
  std::optional<std::string> before;
  std::optional<std::string> after;
  /// Whoever asks may not know what it was: `before` is empty then, where there was something.
  bool is_withheld = false;
  /// Of an image: what the pipelines called the two; empty where that is not known. For people; the
  /// comparison does not know it.
  std::string before_name = {};
  std::string after_name = {};
  bool operator==(const Difference&) const = default;
};

struct ActionDifferences {
  std::vector<Difference> list;
  bool complete = true;  ///< false when there are more than were asked for
};

/// kNotFound when a directory is not stored any more: then only its digest is told.
using DirectoryReader = std::function<base::Result<DirectoryListing>(const Digest&)>;

/// At most `limit` differences. kCorrupt when the messages are not what the key says.
base::Result<ActionDifferences> compare_actions(const RecordedAction& before,
                                                const RecordedAction& after,
                                                const DirectoryReader& stored, std::size_t limit);

}  // namespace stagebox::store
