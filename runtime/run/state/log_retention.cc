#include "runtime/run/state/log_retention.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <limits>

#include "runtime/base/disk_use.h"
#include "runtime/base/files.h"
#include "runtime/logs/log_archive.h"
#include "runtime/run/state/log_archivist.h"
#include "runtime/run/state/run_logs.h"

namespace stagebox::run {
namespace {

using base::Result;

// A run writes its directory before it is on record; nobody takes this long for that.
constexpr std::chrono::seconds kNewborn{60};

Result<std::set<std::string>> runs_on_record(const store::RunStore& runs) {
  std::set<std::string> known;
  for (const auto& run : TRY(runs.list_runs(std::numeric_limits<std::size_t>::max())))
    known.insert(run.id);
  return known;
}

// Whether it is somebody's log, or that of a service beside it.
bool is_wanted(const std::string& path, const std::set<std::string>& wanted) {
  if (wanted.contains(path)) return true;
  const std::size_t at = path.rfind(kServiceMark);
  return at != std::string::npos && wanted.contains(path.substr(0, at) + ".log");
}

/// Removes all but what is wanted; true when nothing is left.
Result<bool> remove_unwanted(int dir_fd, const std::string& path,
                             const std::set<std::string>& wanted) {
  bool empty = true;
  const auto names = TRY(base::list_dir(dir_fd));
  for (const std::string& name : names) {
    if (is_wanted(std::string(path).append("/").append(name), wanted)) {
      empty = false;
    } else {
      TRY(base::remove_tree_at(dir_fd, name));
    }
  }
  return empty;
}

// Names of logs in a directory of logs, after half-made archives are removed.
Result<std::vector<std::string>> clear_unfinished(int dir_fd) {
  std::vector<std::string> kept;
  const auto names = TRY(base::list_dir(dir_fd));
  const std::string unfinished = std::string(".log") + logs::kArchiveSuffix;
  for (const std::string& name : names) {
    if (name.ends_with(unfinished)) {
      logs::drop_archive(dir_fd, name.substr(0, name.size() - unfinished.size()) + ".log");
    } else if (name.ends_with(".log")) {
      kept.push_back(name);
    }
  }
  return kept;
}

}  // namespace

Result<std::uint64_t> size_of_logs(const store::Home& home) {
  std::uint64_t bytes = 0;
  const base::UniqueFd logs = TRY(home.subdirectory("logs"));
  for (const std::string& run : TRY(base::list_dir(logs.get()))) {
    const auto dir =
        base::open_beneath(logs.get(), run, O_RDONLY | O_DIRECTORY, base::Links::kRefuse);
    if (!dir.ok()) continue;
    for (const std::string& name : TRY(base::list_dir(dir->get()))) {
      const auto status = base::stat_at(dir->get(), name);  // Or it was packed meanwhile.
      if (status.ok()) bytes += base::bytes_on_disk(*status);
    }
  }
  return bytes;
}

Result<void> tend_logs(const store::Home& home, const store::RunStore& runs) {
  const base::UniqueFd logs_dir = TRY(home.subdirectory("logs"));
  for (const auto& run : TRY(runs.list_runs(std::numeric_limits<std::size_t>::max()))) {
    if (!run.ended_at) continue;
    const auto dir =
        base::open_beneath(logs_dir.get(), run.id, O_RDONLY | O_DIRECTORY, base::Links::kRefuse);
    if (dir.ok())
      archive_logs(dir->get(), TRY(clear_unfinished(dir->get())), logs::PackedRecords::kChecked);
  }
  return {};
}

Result<void> remove_orphaned_logs(const store::Home& home, const store::RunStore& runs,
                                  const std::set<std::string>& forgotten,
                                  const std::vector<store::ActionCache::Entry>& results,
                                  std::chrono::seconds keep) {
  std::set<std::string> wanted = TRY(runs.log_paths());
  for (const auto& entry : results) wanted.insert(entry.result.log_path);
  const base::UniqueFd logs = TRY(home.subdirectory("logs"));
  const auto names = TRY(base::list_dir(logs.get()));
  const auto known = TRY(runs_on_record(runs));  // after the listing: whoever is new is not in it
  for (const std::string& name : names) {
    if (known.contains(name)) continue;
    const auto dir =
        base::open_beneath(logs.get(), name, O_RDONLY | O_DIRECTORY, base::Links::kRefuse);
    if (!dir.ok()) continue;
    const struct stat status = TRY(base::stat_fd(dir->get()));
    const std::chrono::seconds age{::time(nullptr) - status.st_mtim.tv_sec};
    if (age < std::max(keep, kNewborn) && !forgotten.contains(name)) continue;
    const bool empty = TRY(remove_unwanted(dir->get(), home.path() + "/logs/" + name, wanted));
    if (empty) TRY(base::remove_tree_at(logs.get(), name));
  }
  return {};
}

}  // namespace stagebox::run
