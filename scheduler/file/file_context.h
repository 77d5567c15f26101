// FileContext: what the readers of the parts of one pipeline file share.
#pragma once

#include "scheduler/diagnostics.h"
#include "scheduler/file/expressions.h"

namespace stagebox::scheduler {

/// Every resource that the file controls has a limit. These are far above what people write.
struct FileLimits {
  static constexpr std::size_t kStages = 10'000;
  static constexpr std::size_t kParams = 1'000;
  static constexpr std::size_t kImages = 1'000;
  /// Per stage; each becomes a mount or a walk over a tree.
  static constexpr std::size_t kInputs = 500;
  static constexpr std::size_t kOutputs = 500;
  static constexpr std::size_t kCaches = 50;
  static constexpr std::size_t kRestore = 50;  ///< Of one cache.
  /// Per stage; each is a sandbox of its own.
  static constexpr std::size_t kServices = 16;
  /// Per stage.
  static constexpr std::size_t kMatrix = 256;
};

struct FileContext {
  Diagnostics& diagnostics;
  NamedValues params = {};
  NamedValues run = {};     ///< What `run.NAME` stands for.
  MatrixScope matrix = {};  ///< Of the stage that is being read.
  ExpansionBudget budget = {};

  /// Adds a mistake and returns false when there are more than `limit`.
  bool within(std::size_t count, std::size_t limit, std::string_view what, Position position) const;
};

}  // namespace stagebox::scheduler
