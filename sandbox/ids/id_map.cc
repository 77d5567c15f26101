#include "sandbox/ids/id_map.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "runtime/base/files.h"
#include "sandbox/ids/user_counts.h"
#include "sandbox/ids/user_namespace.h"

namespace stagebox::sandbox {
namespace {

using base::Result;
using base::UniqueFd;

// Ranges for root's sandboxes: above what adduser gives out (from 100000) and above systemd's
// container range (up to 0x6FFFFFFF), below 2^31, where some file systems and tools stop.
constexpr std::uint32_t kFirstRange = 0x70000000;
constexpr std::uint32_t kRangeSize = 65536;
constexpr std::uint32_t kRanges = 0x0FFF;
constexpr char kLockDir[] = "/run/stagebox";
constexpr char kRangeDir[] = "/run/stagebox/ids";

std::string user_name(uid_t uid) {
  struct passwd entry{};
  struct passwd* found = nullptr;
  std::vector<char> buffer(std::size_t{16} << 10);
  if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
    return std::to_string(uid);
  }
  return entry.pw_name;
}

// Whether this process's user namespace has the ids of all ranges. Root of a container without
// privileges, say, has a few thousand.
Result<void> check_ranges_exist() {
  constexpr std::size_t kMostLines = std::size_t{64} << 10U;
  const std::string map = TRY(base::read_file("/proc/self/uid_map", kMostLines));
  std::istringstream lines(map);
  std::uint64_t inside = 0;
  std::uint64_t outside = 0;
  std::uint64_t count = 0;
  const std::uint64_t end = kFirstRange + std::uint64_t{kRanges} * kRangeSize + 1;
  while (lines >> inside >> outside >> count) {
    if (inside <= kFirstRange && inside + count >= end) return {};
  }
  return base::unsupported(
      "this process is root of a user namespace that does not have the ids from " +
      std::to_string(kFirstRange) +
      " on, which sandboxes of root get (a container without privileges?); run Stagebox as an "
      "ordinary user, or outside of it");
}

}  // namespace

std::string IdMap::line() const {
  return "0 " + std::to_string(first) + " " + std::to_string(count) + "\n";
}

Result<std::shared_ptr<HostIds>> HostIds::acquire() {
  std::shared_ptr<HostIds> ids(new HostIds());
  const uid_t uid = ::geteuid();
  if (uid == 0) {
    TRY(check_ranges_exist());
    ids->kind_ = Kind::kRoot;
    ids->count_ = kRangeSize;
    return ids;
  }
  const std::string name = user_name(uid);
  const auto uids = find_subordinate_range("/etc/subuid", name, uid);
  const auto gids = find_subordinate_range("/etc/subgid", name, uid);
  lower_limits_of_user();
  TRY(enter_user_namespace(uid, ::getegid(), uids, gids));
  bound_user_counts();
  if (uids && gids) {
    ids->kind_ = Kind::kSubordinate;
    ids->count_ = std::min({uids->count, gids->count, kRangeSize});
  } else {
    ids->kind_ = Kind::kSingle;
    ids->count_ = 1;
    ids->degraded_ = "user " + name +
                     " has no subordinate ids, so every id of an image becomes this user's own and "
                     "changing owners in a stage fails; give some with: usermod --add-subuids "
                     "100000-165535 --add-subgids 100000-165535 " +
                     name;
  }
  return ids;
}

std::optional<std::uint32_t> HostIds::unprivileged_id() const {
  switch (kind_) {
    case Kind::kRoot:
      return kFirstRange + kRanges * kRangeSize;  // just behind the last range
    case Kind::kSubordinate:
      return layer_shift() + count_ - 1;
    case Kind::kSingle:
      break;
  }
  return std::nullopt;
}

Result<HostIds::Lease> HostIds::lock_free_range() {
  TRY(base::make_dir_at(AT_FDCWD, kLockDir, 0711));
  TRY(base::make_dir_at(AT_FDCWD, kRangeDir, 0700));
  for (std::uint32_t slot = 0; slot < kRanges; ++slot) {
    UniqueFd file = TRY(base::open_path(std::string(kRangeDir) + "/" + std::to_string(slot),
                                        O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) continue;
    Lease lease;
    const std::uint32_t first = kFirstRange + slot * kRangeSize;
    lease.map_ = IdMap{first, kRangeSize, first + kRangeSize - 1};
    lease.lock_ = std::move(file);
    lease.user_namespace_ = TRY(make_user_namespace(lease.map_));
    return lease;
  }
  return base::unsupported("all " + std::to_string(kRanges) +
                           " id ranges for sandboxes are in use");
}

Result<HostIds::Lease> HostIds::lease(const std::shared_ptr<HostIds>& ids) {
  Lease lease;
  if (ids->kind_ == Kind::kRoot) {
    {
      const std::scoped_lock lock(ids->mutex_);
      if (!ids->idle_.empty()) {
        lease = std::move(ids->idle_.back());
        ids->idle_.pop_back();
      }
    }
    if (!lease.lock_.valid()) lease = TRY(lock_free_range());
  } else {
    lease.map_ = IdMap{ids->layer_shift(), ids->count_};
  }
  lease.owner_ = ids;
  return lease;
}

HostIds::Lease::~Lease() {
  if (!lock_.valid() || !owner_) return;
  const std::shared_ptr<HostIds> owner = std::move(owner_);
  Lease idle;
  idle.map_ = map_;
  idle.lock_ = std::move(lock_);
  idle.user_namespace_ = std::move(user_namespace_);
  const std::scoped_lock lock(owner->mutex_);
  owner->idle_.push_back(std::move(idle));
}

}  // namespace stagebox::sandbox
