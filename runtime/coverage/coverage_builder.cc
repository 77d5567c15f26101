#include "runtime/coverage/coverage_builder.h"

#include <algorithm>
#include <filesystem>
#include <functional>

#include "runtime/test_reports/clean_text.h"

namespace stagebox::coverage {
namespace {

using base::Result;

base::Error too_many(std::size_t most, const char* what) {
  return base::invalid("there are more than " + std::to_string(most) + " " + what);
}

Result<std::string> source_path(std::string_view name) {
  constexpr std::size_t kMostRaw = 4 * CoverageLimits::kPath;
  const base::Error too_long = base::invalid("the name of a source file is longer than " +
                                             std::to_string(CoverageLimits::kPath) + " bytes");
  if (name.size() > kMostRaw) return too_long;
  const std::string clean = test_reports::one_line(test_reports::clean_text(name));
  std::string path = std::filesystem::path(clean).lexically_normal().string();
  if (path.starts_with(kWorkspacePrefix)) path.erase(0, kWorkspacePrefix.size());
  if (path.size() > CoverageLimits::kPath) return too_long;
  if (path.empty() || path == ".") return base::invalid("a source file has no name");
  return path;
}

}  // namespace

Result<void> CoverageBuilder::open_file(std::string_view name) {
  std::string path = TRY(source_path(name));
  const auto [found, is_new] = files_.try_emplace(std::move(path));
  file_ = &found->second;
  if (files_.size() <= CoverageLimits::kFiles) return {};
  files_.erase(found);
  file_ = nullptr;
  return too_many(CoverageLimits::kFiles, "source files");
}

Result<void> CoverageBuilder::take_points(std::size_t count) {
  if (count > CoverageLimits::kPoints - points_)
    return too_many(CoverageLimits::kPoints, "lines and branches");
  points_ += count;
  return {};
}

Result<CoverageBuilder::Line*> CoverageBuilder::line_at(std::uint32_t number) {
  if (file_ == nullptr) return base::invalid("a line belongs to no source file");
  if (number > CoverageLimits::kLineNumber)
    return base::invalid("a line has a number above " +
                         std::to_string(CoverageLimits::kLineNumber));
  const auto found = file_->lines.find(number);
  if (found != file_->lines.end()) return &found->second;
  TRY(take_points(1));
  return &file_->lines[number];
}

Result<void> CoverageBuilder::add_line(std::uint32_t number, bool hit) {
  Line* line = TRY(line_at(number));
  line->hit = line->hit || hit;
  return {};
}

Result<void> CoverageBuilder::add_branch(std::uint32_t number, std::string_view id, bool taken) {
  TRY(add_line(number, taken));
  const std::pair key{number, std::hash<std::string_view>()(id)};
  const auto found = file_->branches.find(key);
  if (found != file_->branches.end()) {
    found->second = found->second || taken;
    return {};
  }
  TRY(take_points(1));
  file_->branches.emplace(key, taken);
  return {};
}

Result<void> CoverageBuilder::add_branches(std::uint32_t number, std::uint32_t taken,
                                           std::uint32_t all) {
  if (taken > all || all > CoverageLimits::kLineBranches)
    return base::invalid("a line has " + std::to_string(taken) + " of " + std::to_string(all) +
                         " branches");
  Line* line = TRY(line_at(number));
  if (all > line->branches) TRY(take_points(all - line->branches));
  line->branches = std::max(line->branches, all);
  line->taken = std::max(line->taken, taken);
  return {};
}

SourceFile CoverageBuilder::finished(const std::string& path, const File& file) {
  SourceFile source{path, {}};
  source.lines.reserve(file.lines.size());
  auto branch = file.branches.begin();
  for (const auto& [number, line] : file.lines) {
    std::uint32_t all = 0;
    std::uint32_t taken = 0;
    for (; branch != file.branches.end() && branch->first.first == number; ++branch) {
      ++all;
      if (branch->second) ++taken;
    }
    all = std::min(std::max(all, line.branches), CoverageLimits::kLineBranches);
    taken = std::min(std::max(taken, line.taken), all);
    source.lines.push_back(
        {.number = number, .hit = line.hit, .branches = all, .branches_taken = taken});
  }
  return source;
}

SourceFiles CoverageBuilder::take() {
  SourceFiles all;
  all.reserve(files_.size());
  for (const auto& [path, file] : files_) all.push_back(finished(path, file));
  files_.clear();
  file_ = nullptr;
  points_ = 0;
  std::ranges::sort(all, {}, &SourceFile::path);
  return all;
}

}  // namespace stagebox::coverage
