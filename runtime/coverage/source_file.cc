#include "runtime/coverage/source_file.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace stagebox::coverage {
namespace {

SourceLine united(const SourceLine& a, const SourceLine& b) {
  return {.number = a.number,
          .hit = a.hit || b.hit,
          .branches = std::max(a.branches, b.branches),
          .branches_taken = std::max(a.branches_taken, b.branches_taken)};
}

void add_lines(std::vector<SourceLine>& lines, const std::vector<SourceLine>& more) {
  std::vector<SourceLine> all;
  all.reserve(lines.size() + more.size());
  std::ranges::merge(lines, more, std::back_inserter(all), {}, &SourceLine::number,
                     &SourceLine::number);
  lines.clear();
  for (const SourceLine& line : all) {
    if (!lines.empty() && lines.back().number == line.number) {
      lines.back() = united(lines.back(), line);
    } else {
      lines.push_back(line);
    }
  }
}

}  // namespace

Counts& Counts::operator+=(const Counts& more) {
  lines += more.lines;
  lines_covered += more.lines_covered;
  branches += more.branches;
  branches_covered += more.branches_covered;
  return *this;
}

Counts SourceFile::counts() const {
  Counts counts;
  for (const SourceLine& line : lines)
    counts += {.lines = 1,
               .lines_covered = line.hit ? 1U : 0U,
               .branches = line.branches,
               .branches_covered = line.branches_taken};
  return counts;
}

Counts count(const SourceFiles& files) {
  Counts all;
  for (const SourceFile& file : files) all += file.counts();
  return all;
}

SourceFiles unite(std::vector<SourceFile> files) {
  std::ranges::stable_sort(files, {}, &SourceFile::path);
  SourceFiles all;
  for (SourceFile& file : files) {
    if (!all.empty() && all.back().path == file.path) {
      add_lines(all.back().lines, file.lines);
    } else {
      all.push_back(std::move(file));
    }
  }
  return all;
}

}  // namespace stagebox::coverage
