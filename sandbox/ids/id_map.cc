#include "sandbox/ids/id_map.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>

#include "runtime/base/files.h"
#include "sandbox/ids/own_ids.h"
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

// Whose ids the sandboxes of an ordinary user get, and who writes the map of a namespace that has
// them.
struct UserRanges {
  std::optional<SubordinateRange> uids;
  std::optional<SubordinateRange> gids;
  MapWriter writer = MapWriter::kSetIdPrograms;
};

UserRanges ranges_of_user(const std::string& name, uid_t uid) {
  return {find_subordinate_range("/etc/subuid", name, uid),
          find_subordinate_range("/etc/subgid", name, uid)};
}

// Root of a container without privileges is such a user, too, and may give away what else its own
// namespace has.
Result<UserRanges> ranges_of_contained_root() {
  return UserRanges{TRY(OwnIds::of_users()).beside_root(), TRY(OwnIds::of_groups()).beside_root(),
                    MapWriter::kOurselves};
}

// Whether root here is the machine's, as far as its sandboxes are concerned.
Result<bool> has_all_ranges() {
  constexpr std::uint64_t kAll = std::uint64_t{kRanges} * kRangeSize + 1;
  const OwnIds users = TRY(OwnIds::of_users());
  const OwnIds groups = TRY(OwnIds::of_groups());
  return users.has(kFirstRange, kAll) && groups.has(kFirstRange, kAll);
}

std::string why_single(const std::string& name, MapWriter writer) {
  const std::string who = writer == MapWriter::kOurselves
                              ? "the user namespace that this process is root of has no other id"
                              : "user " + name + " has no subordinate ids";
  return who +
         ", so every id of an image becomes this user's own and changing owners in a stage fails";
}

std::string remedy_of_single(const std::string& name, MapWriter writer) {
  if (writer == MapWriter::kOurselves)
    return "make the user namespace, or the container, with more ids (unshare --map-auto, podman's "
           "--uidmap)";
  return "usermod --add-subuids 100000-165535 --add-subgids 100000-165535 " + name +
         ", and install uidmap";
}

}  // namespace

std::string IdMap::line() const {
  return "0 " + std::to_string(first) + " " + std::to_string(count) + "\n";
}

Result<std::shared_ptr<HostIds>> HostIds::acquire() {
  std::shared_ptr<HostIds> ids(new HostIds());
  const uid_t uid = ::geteuid();
  const bool is_root = uid == 0;
  if (is_root && TRY(has_all_ranges())) {
    ids->kind_ = Kind::kRoot;
    ids->count_ = kRangeSize;
    return ids;
  }
  const std::string name = user_name(uid);
  const UserRanges ranges = is_root ? TRY(ranges_of_contained_root()) : ranges_of_user(name, uid);
  lower_limits_of_user();
  TRY(enter_user_namespace(uid, ::getegid(), ranges.uids, ranges.gids, ranges.writer));
  bound_user_counts();
  if (ranges.uids && ranges.gids) {
    ids->kind_ = Kind::kSubordinate;
    ids->count_ = std::min({ranges.uids->count, ranges.gids->count, kRangeSize});
  } else {
    ids->kind_ = Kind::kSingle;
    ids->count_ = 1;
    ids->degraded_ = why_single(name, ranges.writer);
    ids->remedy_ = remedy_of_single(name, ranges.writer);
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
