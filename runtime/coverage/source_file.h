// SourceFile: which lines of a source file a stage's tests executed. Values only. Where they come
// from is cobertura_parser.h and lcov_parser.h; what becomes of them is not known here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace stagebox::coverage {

/// One that can be executed.
struct SourceLine {
  std::uint32_t number = 0;
  bool hit = false;
  std::uint32_t branches = 0;
  std::uint32_t branches_taken = 0;  ///< Never more than `branches`.
  bool operator==(const SourceLine&) const = default;
};

struct Counts {
  std::uint64_t lines = 0;
  std::uint64_t lines_covered = 0;
  std::uint64_t branches = 0;
  std::uint64_t branches_covered = 0;
  Counts& operator+=(const Counts& more);
  bool operator==(const Counts&) const = default;
};

struct SourceFile {
  std::string path;  ///< Relative to the workspace where it is below it; see CoverageBuilder.
  std::vector<SourceLine> lines;  ///< By their numbers, each once.
  [[nodiscard]] Counts counts() const;
  bool operator==(const SourceFile&) const = default;
};

/// By their paths, each once.
using SourceFiles = std::vector<SourceFile>;

Counts count(const SourceFiles& files);

/// Files of several measurements, in any order, as one: what any of them executed is covered. Of
/// the branches of a line nobody knows here which they are: the most that one measurement took
/// count, which is the least that is true.
SourceFiles unite(std::vector<SourceFile> files);

/// Of all reports of one stage.
struct CoverageLimits {
  static constexpr std::size_t kPath = 512;  ///< Bytes.
  static constexpr std::size_t kFiles = 50'000;
  static constexpr std::size_t kPoints = 4'000'000;  ///< Lines and branches together.
  static constexpr std::uint32_t kLineNumber = 10'000'000;
  static constexpr std::uint32_t kLineBranches = 65'535;
};

}  // namespace stagebox::coverage
