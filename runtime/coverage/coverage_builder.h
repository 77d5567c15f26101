// CoverageBuilder: puts together what reports say of source files, line by line: what is said twice
// counts once, and what any report executed is covered.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "runtime/base/result.h"
#include "runtime/coverage/source_file.h"

namespace stagebox::coverage {

/// Where the sandbox has the workspace: names below it are kept relative to it.
inline constexpr std::string_view kWorkspacePrefix = "/workspace/";

/// Every function is kInvalid beyond CoverageLimits, and for what cannot be.
class CoverageBuilder {
 public:
  /// What is added from now on is of this file. Two names are of one file when they are the same
  /// path, as text: "./a.c", "x/../a.c" and "/workspace/a.c" are.
  base::Result<void> open_file(std::string_view name);
  base::Result<void> add_line(std::uint32_t number, bool hit);
  /// One branch. `id` tells it from others of the line, in whichever report.
  base::Result<void> add_branch(std::uint32_t number, std::string_view id, bool taken);
  /// Branches that have no ids: of the numbers that are said of a line the greatest count.
  base::Result<void> add_branches(std::uint32_t number, std::uint32_t taken, std::uint32_t all);
  /// What was added. A line with branches is one that can be executed.
  [[nodiscard]] SourceFiles take();

 private:
  struct Line {
    bool hit = false;
    std::uint32_t branches = 0;  ///< Those without ids.
    std::uint32_t taken = 0;
  };
  struct File {
    std::map<std::uint32_t, Line> lines;
    /// By line and hash of the id: who makes two ids collide lies about his own tests.
    std::map<std::pair<std::uint32_t, std::size_t>, bool> branches;
  };
  base::Result<Line*> line_at(std::uint32_t number);
  base::Result<void> take_points(std::size_t count);
  static SourceFile finished(const std::string& path, const File& file);

  std::unordered_map<std::string, File> files_;
  File* file_ = nullptr;
  std::size_t points_ = 0;
};

}  // namespace stagebox::coverage
