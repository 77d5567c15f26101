#include "images/workspace.h"

#include <fcntl.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <utility>
#include <vector>

#include "images/disk_usage.h"
#include "runtime/base/files.h"
#include "runtime/base/random_id.h"

namespace stagebox::images {
namespace {

constexpr std::size_t kNameChars = 16;
constexpr const char* kLockName = "lock";

// With the store's lock held, under which workspaces are made: none is seen half made.
base::Result<bool> is_dead(const StoreDirs& dirs, const std::string& name) {
  const auto lock = base::open_beneath(dirs.tmp.get(), name + "/" + kLockName,
                                       O_RDONLY | O_NONBLOCK, base::Links::kRefuse);
  if (!lock.ok()) return true;
  return lock_fd(lock->get(), LOCK_EX | LOCK_NB);
}

base::Result<std::vector<std::string>> dead_names(const StoreDirs& dirs) {
  std::vector<std::string> dead;
  const auto names = TRY(base::list_dir(dirs.tmp.get()));
  for (const std::string& name : names) {
    const bool is_left = TRY(is_dead(dirs, name));
    if (is_left) dead.push_back(name);
  }
  return dead;
}

// A process that unpacked for a dead import outlives it by an instant, in which it may be making
// files faster than they are removed.
base::Result<void> remove_patiently(int dir_fd, const std::string& name) {
  constexpr int kAttempts = 200;
  for (int attempt = 0;; ++attempt) {
    auto removed = base::remove_tree_at(dir_fd, name);
    if (removed.ok() || removed.error().errno_value != ENOTEMPTY || attempt == kAttempts) {
      return removed;
    }
    const struct timespec pause{0, 10'000'000};
    (void)::nanosleep(&pause, nullptr);
  }
}

}  // namespace

// With the store's lock held; so what is half made when something fails is left to the next one,
// because remove() would wait for that lock.
base::Result<Workspace> make_workspace(const StoreDirs& dirs) {
  Workspace work(dirs, "");
  const std::string name = TRY(base::random_hex(kNameChars));
  TRY(base::make_dir_at(dirs.tmp.get(), name, 0700));
  work.dir_ =
      TRY(base::open_beneath(dirs.tmp.get(), name, O_RDONLY | O_DIRECTORY, base::Links::kRefuse));
  work.lock_ = TRY(base::open_beneath(work.dir_.get(), kLockName, O_RDONLY | O_CREAT | O_EXCL,
                                      base::Links::kRefuse, 0600));
  (void)TRY(lock_fd(work.lock_.get(), LOCK_EX));
  work.name_ = name;
  return work;
}

base::Result<Workspace> Workspace::create(const StoreDirs& dirs) {
  const base::UniqueFd lock = TRY(dirs.lock());
  return make_workspace(dirs);
}

Workspace::Workspace(Workspace&& other) noexcept
    : dirs_(other.dirs_),
      name_(std::exchange(other.name_, "")),
      dir_(std::move(other.dir_)),
      lock_(std::move(other.lock_)) {}

// The lock file goes last, and with the directory: without it we would be taken for dead, and
// somebody would remove the same at the same time.
base::Result<void> Workspace::remove() {
  if (name_.empty()) return {};
  const std::string name = std::exchange(name_, "");
  const auto entries = TRY(base::list_dir(dir_.get()));
  for (const std::string& entry : entries) {
    if (entry != kLockName) TRY(remove_patiently(dir_.get(), entry));
  }
  const base::UniqueFd lock = TRY(dirs_->lock());
  return base::remove_tree_at(dirs_->tmp.get(), name);
}

namespace {

// Into a workspace of ours: then nobody else removes the same at the same time, and nobody waits
// for the lock while we do. nullopt: there is nothing.
base::Result<std::optional<Workspace>> take_dead_work(const StoreDirs& dirs, DeadWork& done) {
  std::optional<Workspace> trash;  // destroyed, and so removed, after the lock is let go
  const base::UniqueFd lock = TRY(dirs.lock());
  const auto names = TRY(dead_names(dirs));
  if (names.empty()) return trash;
  trash.emplace(TRY(make_workspace(dirs)));
  for (const std::string& name : names) {
    const std::string there = std::to_string(done.count++);
    if (::renameat(dirs.tmp.get(), name.c_str(), trash->fd(), there.c_str()) != 0) {
      return base::errno_error("take away what an import left");
    }
  }
  return trash;
}

}  // namespace

base::Result<DeadWork> remove_dead_work(const StoreDirs& dirs, Measure measure) {
  DeadWork done;
  const auto any = TRY(base::list_dir(dirs.tmp.get()));
  if (any.empty()) return done;
  auto trash = TRY(take_dead_work(dirs, done));
  if (!trash) return done;
  if (measure == Measure::kYes) done.bytes = disk_bytes(trash->fd(), ".");
  TRY(trash->remove());
  return done;
}

}  // namespace stagebox::images
