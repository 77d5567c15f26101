#include "sandbox/cgroup_v2_place.h"

#include <fcntl.h>
#include <unistd.h>

#include <sstream>
#include <string_view>

#include "sandbox/cgroup_files.h"

namespace stagebox::sandbox {
namespace {

bool writable(const std::string& path, int mode) {
  return ::faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS) == 0;
}

// Whoever moves a process between two cgroups must be able to write to the members of one that is
// above both: this one.
bool may_have_cgroups(const std::string& dir) {
  return writable(dir, W_OK | X_OK) && writable(dir + "/cgroup.procs", W_OK) &&
         writable(dir + "/cgroup.subtree_control", W_OK);
}

std::vector<Controller> controllers_in(const std::string& dir) {
  std::istringstream names(read_or_empty(dir + "/cgroup.controllers"));
  std::vector<Controller> found;
  for (std::string name; names >> name;) {
    for (const Controller controller : {Controller::kCpu, Controller::kCpuset, Controller::kMemory,
                                        Controller::kPids, Controller::kIo}) {
      if (name == controller_name(controller, CgroupPlace::Version::kV2))
        found.push_back(controller);
    }
  }
  return found;
}

std::size_t count_processes(const std::string& dir) {
  std::istringstream pids(read_or_empty(dir + "/cgroup.procs"));
  std::size_t count = 0;
  for (std::string pid; pids >> pid;) ++count;
  return count;
}

// Every cgroup but the root of the whole hierarchy has a type; the root of a container's has one.
bool is_root(const std::string& dir) { return !writable(dir + "/cgroup.type", F_OK); }

bool is_ours_alone(const std::string& dir) {
  return our_processes_in(dir).size() == count_processes(dir);
}

bool is_child_of(int pid, int parent) {
  constexpr std::string_view kParent = "\nPPid:\t";
  const std::string status = read_or_empty("/proc/" + std::to_string(pid) + "/status");
  const std::size_t line = status.find(kParent);
  return line != std::string::npos &&
         parse_number(std::string_view(status).substr(line + kParent.size())) ==
             static_cast<std::uint64_t>(parent);
}

CgroupPlace place_at(const std::string& dir) {
  CgroupPlace place;
  place.version = CgroupPlace::Version::kV2;
  place.dir = dir;
  place.controllers = controllers_in(dir);
  return place;
}

}  // namespace

std::vector<int> our_processes_in(const std::string& dir) {
  std::istringstream pids(read_or_empty(dir + "/cgroup.procs"));
  const int self = ::getpid();
  std::vector<int> ours;
  for (int pid = 0; pids >> pid;) {
    if (pid == self || is_child_of(pid, self)) ours.push_back(pid);
  }
  return ours;
}

std::optional<CgroupPlace> find_v2_place(const std::string& own, const std::string& mount) {
  if (may_have_cgroups(own) && (is_ours_alone(own) || is_root(own))) return place_at(own);
  std::optional<CgroupPlace> best;
  std::string dir = own;
  while (dir.size() > mount.size()) {
    dir.resize(dir.rfind('/'));
    if (!may_have_cgroups(dir) || (count_processes(dir) != 0 && !is_root(dir))) continue;
    CgroupPlace place = place_at(dir);
    if (!best || place.controllers.size() > best->controllers.size()) best = std::move(place);
  }
  return best;
}

}  // namespace stagebox::sandbox
