#include "sandbox/cgroup/cgroup_discovery.h"

#include <algorithm>
#include <optional>
#include <sstream>

namespace stagebox::sandbox {
namespace {

struct HierarchyMount {
  CgroupPlace::Version version = CgroupPlace::Version::kV2;
  std::string root;  ///< Which cgroup is mounted there.
  std::string mount_point;
  std::string options;  ///< Super block options; for v1 they name the controllers.
};

// Field 4 is the root, field 5 the mount point; after " - ": type, source, super options (proc(5)).
std::optional<HierarchyMount> parse_mount(const std::string& line) {
  const std::size_t dash = line.find(" - ");
  if (dash == std::string::npos) return std::nullopt;
  std::istringstream before(line.substr(0, dash));
  std::istringstream after(line.substr(dash + 3));
  std::string id;
  std::string parent;
  std::string device;
  std::string source;
  std::string type;
  HierarchyMount mount;
  before >> id >> parent >> device >> mount.root >> mount.mount_point;
  after >> type >> source >> mount.options;
  if (type == "cgroup2") {
    mount.version = CgroupPlace::Version::kV2;
  } else if (type == "cgroup") {
    mount.version = CgroupPlace::Version::kV1;
  } else {
    return std::nullopt;
  }
  return mount;
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

// The directory of cgroup `path` below a mount whose root is `mount.root`.
std::optional<std::string> directory_of(const HierarchyMount& mount, const std::string& path) {
  if (mount.root == "/") return path == "/" ? mount.mount_point : mount.mount_point + path;
  if (path == mount.root) return mount.mount_point;
  if (path.starts_with(mount.root + "/")) return mount.mount_point + path.substr(mount.root.size());
  return std::nullopt;
}

bool lists(const std::string& options, const std::string& name) {
  const auto parts = split(options, ',');
  return std::ranges::find(parts, name) != parts.end();
}

std::optional<CgroupPlace> place_for(const std::vector<HierarchyMount>& mounts,
                                     const std::string& controllers, const std::string& path) {
  CgroupPlace place;
  place.version = controllers.empty() ? CgroupPlace::Version::kV2 : CgroupPlace::Version::kV1;
  const auto names = split(controllers, ',');
  for (const std::string& name : names) {
    if (const auto controller = controller_by_name(name, CgroupPlace::Version::kV1))
      place.controllers.push_back(*controller);
  }
  if (place.version == CgroupPlace::Version::kV1 && place.controllers.empty()) return std::nullopt;
  for (const HierarchyMount& mount : mounts) {
    if (mount.version != place.version) continue;
    if (place.version == CgroupPlace::Version::kV1 && !lists(mount.options, names.front()))
      continue;
    if (const auto dir = directory_of(mount, path)) {
      place.dir = *dir;
      place.mount_point = mount.mount_point;
      return place;
    }
  }
  return std::nullopt;
}

}  // namespace

std::vector<CgroupPlace> find_cgroup_places(std::string_view mountinfo, std::string_view cgroup) {
  std::vector<HierarchyMount> mounts;
  for (const std::string& line : split(std::string(mountinfo), '\n')) {
    if (auto mount = parse_mount(line)) mounts.push_back(std::move(*mount));
  }
  std::vector<CgroupPlace> places;
  for (const std::string& line : split(std::string(cgroup), '\n')) {
    // "hierarchy-id:controllers:path"; the path may contain colons.
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (auto place = place_for(mounts, controllers, line.substr(second + 1))) {
      places.push_back(std::move(*place));
    }
  }
  return places;
}

}  // namespace stagebox::sandbox
