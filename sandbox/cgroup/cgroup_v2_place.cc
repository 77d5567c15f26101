#include "sandbox/cgroup/cgroup_v2_place.h"

#include <unistd.h>

#include <algorithm>
#include <sstream>
#include <string_view>

#include "sandbox/cgroup/cgroup_files.h"

namespace stagebox::sandbox {
namespace {

using base::Result;

// Whoever moves a process between two cgroups must be able to write to the members of one that is
// above both: this one.
bool may_have_cgroups(const std::string& dir) {
  return is_accessible(dir, W_OK | X_OK) && is_accessible(dir + "/cgroup.procs", W_OK) &&
         is_accessible(dir + "/cgroup.subtree_control", W_OK);
}

Result<std::vector<Controller>> controllers_in(const std::string& dir) {
  std::istringstream names(TRY(read_if_there(dir + "/cgroup.controllers")));
  std::vector<Controller> found;
  for (std::string name; names >> name;) {
    if (const auto controller = controller_by_name(name, CgroupPlace::Version::kV2))
      found.push_back(*controller);
  }
  return found;
}

std::vector<int> members_of(const std::string& dir) {
  std::istringstream pids(read_or_empty(dir + "/cgroup.procs"));
  std::vector<int> members;
  for (int pid = 0; pids >> pid;) members.push_back(pid);
  return members;
}

// Every cgroup but the root of the whole hierarchy has a type; the root of a container's has one.
bool is_root(const std::string& dir) { return !is_accessible(dir + "/cgroup.type", F_OK); }

bool is_child_of(int pid, int parent) {
  constexpr std::string_view kParent = "\nPPid:\t";
  const std::string status = read_or_empty("/proc/" + std::to_string(pid) + "/status");
  const std::size_t line = status.find(kParent);
  return line != std::string::npos &&
         parse_number(std::string_view(status).substr(line + kParent.size())) ==
             static_cast<std::uint64_t>(parent);
}

bool is_ours(int pid) {
  const int self = ::getpid();
  return pid == self || is_child_of(pid, self);
}

bool is_ours_alone(const std::string& dir) { return std::ranges::all_of(members_of(dir), is_ours); }

Result<CgroupPlace> place_at(const std::string& dir) {
  CgroupPlace place;
  place.version = CgroupPlace::Version::kV2;
  place.dir = dir;
  place.controllers = TRY(controllers_in(dir));
  return place;
}

}  // namespace

std::vector<int> our_processes_in(const std::string& dir) {
  std::vector<int> ours = members_of(dir);
  std::erase_if(ours, [](int pid) { return !is_ours(pid); });
  return ours;
}

Result<std::optional<CgroupPlace>> find_v2_place(const std::string& own, const std::string& mount) {
  std::optional<CgroupPlace> best;
  if (may_have_cgroups(own) && (is_ours_alone(own) || is_root(own))) {
    best = TRY(place_at(own));
    // What a service was given is enough for it, even where there is more above.
    if (!best->controllers.empty()) return best;
  }
  std::string dir = own;
  while (dir.size() > mount.size()) {
    dir.resize(dir.rfind('/'));
    if (!may_have_cgroups(dir) || (!members_of(dir).empty() && !is_root(dir))) continue;
    CgroupPlace place = TRY(place_at(dir));
    if (!best || place.controllers.size() > best->controllers.size()) best = std::move(place);
  }
  return best;
}

}  // namespace stagebox::sandbox
