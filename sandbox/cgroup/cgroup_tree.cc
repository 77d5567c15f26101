#include "sandbox/cgroup/cgroup_tree.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <sstream>

#include "runtime/base/files.h"
#include "sandbox/cgroup/block_device.h"
#include "sandbox/cgroup/cgroup_discovery.h"
#include "sandbox/cgroup/cgroup_files.h"
#include "sandbox/cgroup/cgroup_removal.h"
#include "sandbox/cgroup/cgroup_settings.h"
#include "sandbox/cgroup/cgroup_v2_place.h"
#include "sandbox/cgroup/controller_checks.h"

namespace stagebox::sandbox {
namespace {

using base::Result;
using Version = CgroupPlace::Version;

constexpr char kLeaf[] = "supervisor";

Result<void> move_ours(const std::string& from, const std::string& to) {
  for (const int pid : our_processes_in(from)) {
    auto moved = write_value(to, "cgroup.procs", std::to_string(pid));
    // A child may have ended meanwhile.
    if (!moved.ok() && moved.error().errno_value != ESRCH) return moved;
  }
  return {};
}

// "-cpu -memory"
std::string take_back_all(const CgroupPlace& place) {
  std::string text;
  for (const Controller controller : place.controllers)
    text += std::string(text.empty() ? "-" : " -") + controller_name(controller, place.version);
  return text;
}

// Each directory costs time: v1 hierarchies that only limit are left alone unless they have to.
bool is_always_wanted(const CgroupPlace& place) {
  return std::ranges::any_of(place.controllers, [&](Controller controller) {
    const bool counts = place.version == Version::kV2 ||
                        (controller != Controller::kCpu && controller != Controller::kCpuset);
    return is_regular(controller) && counts;
  });
}

// A hybrid machine's v2 tree can have no controller at all, but each directory there would cost
// time.
bool is_of_use(const CgroupPlace& place) {
  return !place.controllers.empty() && is_accessible(place.dir, W_OK | X_OK);
}

}  // namespace

Result<CgroupTree> CgroupTree::discover(const std::string& name, CgroupCount count) {
  CgroupTree tree;
  tree.name_ = name;
  tree.count_ = count;
  auto found = find_cgroup_places(TRY(read_if_there("/proc/self/mountinfo")),
                                  TRY(read_if_there("/proc/self/cgroup")));
  for (CgroupPlace& place : found) {
    if (place.version == Version::kV2) {
      auto usable = TRY(find_v2_place(place.dir, place.mount_point));
      if (!usable) tree.unusable_ = place.dir;
      const std::string mount_point = place.mount_point;
      place = std::move(usable).value_or(CgroupPlace{});
      place.mount_point = mount_point;
    }
    if (is_of_use(place)) tree.places_.push_back(std::move(place));
  }
  return tree;
}

const CgroupPlace* CgroupTree::place_of(Controller controller) const {
  for (const CgroupPlace& place : places_) {
    if (place.has(controller)) return &place;
    if (controller == Controller::kCpuAccounting && place.version == Version::kV2) return &place;
  }
  return nullptr;
}

std::vector<std::string> CgroupTree::directories() const {
  std::vector<std::string> dirs;
  dirs.reserve(places_.size());
  for (const CgroupPlace& place : places_) dirs.push_back(own_dir(place));
  return dirs;
}

std::vector<std::string> CgroupTree::directories_of(const CgroupPath& path) const {
  std::vector<std::string> dirs;
  if (path.from == CgroupPath::From::kOurs) return dirs;
  for (const CgroupPlace& place : places_) dirs.push_back(place.mount_point + "/" + path.str());
  return dirs;
}

std::string CgroupTree::own_dir(const CgroupPlace& place) const { return place.dir + "/" + name_; }

base::Error CgroupTree::missing(Controller controller) const {
  std::string text = "a limit cannot be enforced: no cgroup with the " +
                     std::string(controller_name(controller, Version::kV2)) +
                     " controller can be made here by this user";
  if (!unusable_.empty() && is_accessible(unusable_, W_OK | X_OK)) {
    text += " (other processes are in " + unusable_ + ", and nothing above it can be used)";
  } else if (places_.empty()) {
    text += " (no writable cgroup at all)";
  }
  return base::unsupported(text +
                           "; remove the limit, or have the controller mounted and start as root "
                           "or with delegated cgroups, for example: systemd-run --user --scope -p "
                           "Delegate=yes stagebox ...; `stagebox doctor` shows what is there");
}

Result<void> CgroupTree::refuse_what_is_missing(const Limits& limits) const {
  TRY(check_controllers(limits.controllers));
  for (const Controller controller : needed_controllers(limits)) {
    const CgroupPlace* place = place_of(controller);
    if (place == nullptr) return missing(controller);
    TRY(check_version(place->version, controller, limits));
  }
  return {};
}

std::string CgroupTree::handed_down(const CgroupPlace& place,
                                    const std::vector<Controller>& needed) const {
  std::string text;
  for (const Controller controller : place.controllers) {
    if (!is_regular(controller) && std::ranges::find(needed, controller) == needed.end()) continue;
    text += std::string(text.empty() ? "+" : " +") + controller_name(controller, place.version);
  }
  return text;
}

bool CgroupTree::is_wanted(const CgroupPlace& place, const std::vector<Controller>& needed) const {
  return is_always_wanted(place) || std::ranges::any_of(needed, [&](Controller controller) {
           return place_of(controller) == &place;
         });
}

// v2 hands controllers down only from a cgroup without processes of its own (the root excepted),
// and we are in ours: we move into a leaf beside the sandboxes.
Result<void> CgroupTree::delegate(const CgroupPlace& place, const std::string& controllers) {
  const std::string dir = own_dir(place);
  auto enabled = write_value(place.dir, "cgroup.subtree_control", controllers);
  if (!enabled.ok() && enabled.error().errno_value == EBUSY) {
    const std::string leaf = dir + "/" + kLeaf;
    TRY(base::make_dir_at(AT_FDCWD, leaf, 0755));
    TRY(move_ours(place.dir, leaf));
    moved_.insert(place.dir);
    enabled = write_value(place.dir, "cgroup.subtree_control", controllers);
  }
  if (!enabled.ok()) {
    return base::unsupported(
        "hand cgroup controllers down in " + place.dir + ": " + enabled.error().message +
        "; other processes are in the same cgroup: start in one of your own, with systemd-run "
        "--user --scope -p Delegate=yes stagebox ...; see `stagebox doctor`");
  }
  return write_value(dir, "cgroup.subtree_control", controllers);
}

// Not in v2 where we have to move into a leaf below our directory: what limits that limits us. And
// not in v1 where the cgroup above would not tell us of its memory (OomEvents): one of ours does.
bool CgroupTree::can_be_one_level(const CgroupPlace& place, const std::string& controllers) const {
  if (count_ == CgroupCount::kMany) return false;
  if (place.version == Version::kV1)
    return !place.has(Controller::kMemory) ||
           is_accessible(place.dir + "/cgroup.event_control", W_OK);
  return write_value(place.dir, "cgroup.subtree_control", controllers).ok();
}

Result<void> CgroupTree::prepare(const CgroupPlace& place, Levels levels,
                                 const std::string& controllers) {
  std::set<std::string>& ready = prepared_[place.dir];
  if (levels == Levels::kOne || ready.contains(controllers)) return {};
  const std::string dir = own_dir(place);
  TRY(base::make_dir_at(AT_FDCWD, dir, 0755));
  if (place.version == Version::kV2) {
    TRY(delegate(place, controllers));
  } else if (place.has(Controller::kCpuset)) {
    TRY(take_over_cpuset(dir, place.dir));
  }
  ready.insert(controllers);
  return {};
}

Result<Cgroup::Where> CgroupTree::where_of(const CgroupPlace& place, const CgroupPath& path,
                                           const std::string& controllers) {
  if (path.from == CgroupPath::From::kMountPoint) {
    if (place.version == Version::kV2)
      TRY(write_value(place.mount_point, "cgroup.subtree_control", controllers));
    return Cgroup::Where{place.mount_point, path.components, controllers, &made_};
  }
  const bool simple = path.components.size() == 1 && !two_levels_.contains(place.dir);
  const bool one = simple && can_be_one_level(place, controllers);
  if (!one) two_levels_.insert(place.dir);
  TRY(prepare(place, one ? Levels::kOne : Levels::kTwo, controllers));
  if (one) return Cgroup::Where{place.dir, {name_}, controllers, &made_};
  return Cgroup::Where{own_dir(place), path.components, controllers, &made_};
}

// Directories on the way are everybody's: one at a time.
Result<void> CgroupTree::add(Cgroup& cgroup, const CgroupPlace& place, const CgroupPath& path,
                             const Limits& limits, const std::string& device) {
  std::unique_lock lock(*mutex_);
  const Cgroup::Where where =
      TRY(where_of(place, path, handed_down(place, needed_controllers(limits))));
  if (path.components.size() == 1) lock.unlock();
  auto added = cgroup.add(place, where, limits, device);
  if (added.ok() || path.from == CgroupPath::From::kOurs) return added;
  return added.error().with_context(
      "make a cgroup below the mount point of its hierarchy, because its path begins with / "
      "(without it would be below Stagebox's own)");
}

Result<Cgroup> CgroupTree::make(const std::string& text, const Limits& limits, int storage_fd) {
  TRY(refuse_what_is_missing(limits));
  const CgroupPath path = TRY(parse_cgroup_path(text));
  std::string device;
  if (limits.io_read || limits.io_write) device = TRY(disk_of(storage_fd));
  const std::vector<Controller> needed = needed_controllers(limits);
  Cgroup cgroup;
  for (const CgroupPlace& place : places_) {
    if (is_wanted(place, needed)) TRY(add(cgroup, place, path, limits, device));
  }
  return cgroup;
}

// The reverse of delegate(): only a cgroup that hands nothing down takes processes.
Result<void> CgroupTree::leave(const CgroupPlace& place) {
  const std::string dir = own_dir(place);
  const std::string all = take_back_all(place);
  TRY(write_value(dir, "cgroup.subtree_control", all));
  TRY(write_value(place.dir, "cgroup.subtree_control", all));
  const std::string leaf = dir + "/" + kLeaf;
  TRY(move_ours(leaf, place.dir));
  moved_.erase(place.dir);
  return remove_cgroup(leaf);
}

Result<void> CgroupTree::destroy() {
  Result<void> result;
  for (const CgroupPlace& place : places_) {
    if (!prepared_.contains(place.dir) && !moved_.contains(place.dir)) continue;
    auto removed = moved_.contains(place.dir) ? leave(place) : Result<void>();
    if (removed.ok()) removed = remove_cgroup(own_dir(place));
    if (removed.ok()) {
      prepared_.erase(place.dir);
      two_levels_.erase(place.dir);
    }
    if (!removed.ok()) result = std::move(removed);
  }
  return result;
}

}  // namespace stagebox::sandbox
