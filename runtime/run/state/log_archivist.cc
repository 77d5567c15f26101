#include "runtime/run/state/log_archivist.h"

#include <system_error>
#include <utility>

#include "runtime/logs/log_archive.h"
#include "runtime/store/content/unsynced_files.h"

namespace stagebox::run {

void archive_logs(int log_dir, const std::vector<std::string>& names, logs::PackedRecords packed) {
  std::vector<std::string> made;
  // Together, because waiting for the disk once for many takes hardly longer than for one.
  store::UnsyncedFiles unsynced(log_dir);
  for (const std::string& name : names) {
    const auto archived = logs::make_archive(log_dir, name, packed);
    if (!archived.ok() || *archived == logs::Archiving::kNotNeeded) continue;
    unsynced.add(name + logs::kArchiveSuffix);
    made.push_back(name);
  }
  const bool is_durable = unsynced.sync().ok();
  for (const std::string& name : made) {
    if (is_durable && logs::publish_archive(log_dir, name).ok()) continue;
    logs::drop_archive(log_dir, name);
  }
  if (made.empty()) return;
  // That they have other files now; until it is durable a crash of the machine could bring back
  // logs that nobody made durable.
  unsynced.add(".");
  (void)unsynced.sync();
}

void LogArchivist::add(std::string name) {
  const std::lock_guard guard(mutex_);
  waiting_.push_back(std::move(name));
  changed_.notify_all();
  if (thread_.joinable()) return;
  try {
    thread_ = std::thread([this] { work(); });
    // NOLINTNEXTLINE(bugprone-empty-catch): then finish() does it all
  } catch (const std::system_error&) {
  }
}

void LogArchivist::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return finishing_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const std::vector<std::string> names = std::exchange(waiting_, {});
    lock.unlock();
    archive_logs(log_dir_, names, logs::PackedRecords::kTrusted);
    lock.lock();
  }
}

void LogArchivist::finish() {
  {
    const std::lock_guard guard(mutex_);
    finishing_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  archive_logs(log_dir_, std::exchange(waiting_, {}), logs::PackedRecords::kTrusted);
}

}  // namespace stagebox::run
