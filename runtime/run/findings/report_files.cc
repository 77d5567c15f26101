#include "runtime/run/findings/report_files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "runtime/base/dir_reader.h"
#include "runtime/base/files.h"
#include "runtime/base/path_patterns.h"
#include "runtime/base/printable.h"
#include "runtime/base/shortage.h"
#include "runtime/base/units.h"

namespace stagebox::run {
namespace {

using base::Result;
using base::UniqueFd;
using scheduler::DeclaredReports;

// What is looked at for patterns.
constexpr std::size_t kMostEntries = 100'000;
constexpr std::size_t kMostDepth = 64;

class ReportFinder {
 public:
  explicit ReportFinder(int workspace_fd) : workspace_fd_(workspace_fd) {}

  Result<void> find(const DeclaredReports& declared) {
    const std::size_t problems = found_.problems.size();
    matched_ = false;
    noun_ = declared.noun();
    const base::RelativePath fixed = declared.fixed_part();
    if (fixed == declared.pattern) {
      TRY(take(declared, workspace_fd_, fixed.str(), fixed.str()));
    } else {
      const auto patterns = TRY(base::PathPatterns::parse({"/" + declared.pattern.str()}));
      TRY(search(declared, patterns, workspace_fd_, fixed.display(), fixed.str(), 0));
    }
    // What is wrong with it has been said.
    if (matched_ || found_.problems.size() != problems) return {};
    if (declared.required) {
      problem(declared, "is missing: the stage wrote no such file");
    } else {
      ++found_.missing;
    }
    return {};
  }

  FoundReports take_found() { return std::move(found_); }

 private:
  void problem(const DeclaredReports& declared, const std::string& what) {
    problem("the " + noun_ + " (" + declared.text() + ") " + what);
  }
  void problem(std::string sentence) {
    if (std::ranges::find(found_.problems, sentence) == found_.problems.end())
      found_.problems.push_back(std::move(sentence));
  }
  void problem(const std::string& path, const std::string& what) {
    problem("the " + noun_ + " " + base::printable(path) + " " + what);
  }

  // Below the directory `name` of `dir_fd`, whose path in the workspace is `path`.
  Result<void> search(const DeclaredReports& declared, const base::PathPatterns& patterns,
                      int dir_fd, const std::string& name, const std::string& path,
                      std::size_t depth) {
    const auto directory =
        base::open_beneath(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, base::Links::kRefuse);
    if (!directory.ok()) return cannot_open(path, directory.error());
    const std::string prefix = path.empty() ? "" : path + "/";
    const auto names = TRY(base::list_dir_up_to(directory->get(), kMostEntries - entries_ + 1));
    for (const std::string& entry : names) {
      if (++entries_ > kMostEntries) {
        problem(declared, "cannot be looked for: there are more than " +
                              std::to_string(kMostEntries) + " files; name a directory of its own");
        return {};
      }
      std::string below = prefix;
      below += entry;
      TRY(look_at(declared, patterns, directory->get(), entry, below, depth));
    }
    return {};
  }

  Result<void> look_at(const DeclaredReports& declared, const base::PathPatterns& patterns,
                       int dir_fd, const std::string& name, const std::string& path,
                       std::size_t depth) {
    const auto found = base::open_beneath(dir_fd, name, O_PATH | O_NOFOLLOW, base::Links::kRefuse);
    if (!found.ok()) return cannot_open(path, found.error());
    const struct stat status = TRY(base::stat_fd(found->get()));
    if (S_ISDIR(status.st_mode)) {
      if (depth + 1 < kMostDepth) return search(declared, patterns, dir_fd, name, path, depth + 1);
      problem(path, "would be nested too deep");
      return {};
    }
    if (!patterns.matches(path, base::EntryType::kOther)) return {};
    return take(declared, dir_fd, name, path);
  }

  Result<void> cannot_open(const std::string& path, const base::Error& error) {
    if (error.errno_value == ENOENT || error.errno_value == ENOTDIR) return {};
    if (base::is_shortage(error.errno_value)) return error.with_context(path);
    if (error.errno_value == ELOOP) {
      problem(path, "is a symbolic link or lies below one; reports are not followed");
    } else {
      problem(path, "cannot be opened: " + error.message);
    }
    return {};
  }

  Result<void> take(const DeclaredReports& declared, int dir_fd, const std::string& name,
                    const std::string& path) {
    // O_NONBLOCK: a FIFO must not hold us up. The descriptor is looked at before anything is read.
    constexpr int kFlags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW;
    auto file = base::open_beneath(dir_fd, name, kFlags, base::Links::kRefuse);
    if (!file.ok()) return cannot_open(path, file.error());
    const struct stat status = TRY(base::stat_fd(file->get()));
    if (!S_ISREG(status.st_mode)) {
      problem(path, "is no regular file");
      return {};
    }
    matched_ = true;
    if (!paths_.insert(path).second) return {};
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (found_.files.size() >= ReportLimits::kFiles) {
      problem("there are more than " + std::to_string(ReportLimits::kFiles) + " " + noun_ + "s");
    } else if (size > ReportLimits::kFileBytes || bytes_ + size > ReportLimits::kTotalBytes) {
      problem(path, "has " + base::format_bytes(size) + "; one may have at most " +
                        base::format_bytes(ReportLimits::kFileBytes) + ", all of a stage " +
                        base::format_bytes(ReportLimits::kTotalBytes));
    } else {
      bytes_ += size;
      const bool is_one_of_many = declared.fixed_part() != declared.pattern;
      found_.files.push_back({path, declared.format, is_one_of_many, std::move(*file)});
    }
    return {};
  }

  int workspace_fd_;
  FoundReports found_;
  std::string noun_;             ///< Of what is looked for.
  std::set<std::string> paths_;  ///< Of what was found.
  bool matched_ = false;         ///< The declaration that is looked for names a file.
  std::size_t entries_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace

Result<FoundReports> find_reports(const std::vector<DeclaredReports>& declared, int workspace_fd) {
  ReportFinder finder(workspace_fd);
  for (const DeclaredReports& reports : declared) TRY(finder.find(reports));
  return finder.take_found();
}

}  // namespace stagebox::run
