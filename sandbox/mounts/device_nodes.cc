#include "sandbox/mounts/device_nodes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "runtime/base/files.h"
#include "runtime/base/syscalls.h"
#include "sandbox/ids/id_mappings.h"
#include "sandbox/mounts/mount_thread.h"

namespace stagebox::sandbox {
namespace {

using base::Result;
using base::UniqueFd;
namespace sys = base::sys;

struct Owner {
  uid_t uid = 0;
  gid_t gid = 0;
};

mode_t type_bits(Device::Node::Type type) {
  switch (type) {
    case Device::Node::Type::kCharacter:
      return S_IFCHR;
    case Device::Node::Type::kBlock:
      return S_IFBLK;
    case Device::Node::Type::kFifo:
      break;
  }
  return S_IFIFO;
}

mode_t mode_of(const Device::Node& node) {
  constexpr mode_t kForEverybody = 0666;
  return node.mode.value_or(kForEverybody);
}

Result<Owner> owner_of(const Device& device, const IdMappings& ids) {
  const auto uid = outside_id(ids.users, device.node->uid.value_or(0));
  const auto gid = outside_id(ids.groups, device.node->gid.value_or(0));
  if (uid && gid) return Owner{*uid, *gid};
  return base::unsupported("the device /" + device.target +
                           " has an owner that is no id of the sandbox");
}

// Devices in it work, where it is the host's root who mounts it.
Result<UniqueFd> make_node_tmpfs() {
  const UniqueFd fs(sys::fsopen("tmpfs"));
  if (!fs) return base::system_error("open a tmpfs", -fs.get());
  const int created = sys::fsconfig(fs.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0);
  if (created < 0) return base::system_error("create a tmpfs", -created);
  UniqueFd mount(sys::fsmount(fs.get(), MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC));
  if (!mount) return base::system_error("mount a tmpfs", -mount.get());
  return mount;
}

std::string kernel_name(const Device& device) {
  const std::string kind = device.node->type == Device::Node::Type::kBlock ? "block/" : "char/";
  const std::string number = std::to_string(::major(device.number.value_or(0))) + ":" +
                             std::to_string(::minor(device.number.value_or(0)));
  const auto event = base::read_file("/sys/dev/" + kind + number + "/uevent", 4096);
  constexpr std::string_view kName = "\nDEVNAME=";
  const std::string text = event.ok() ? "\n" + *event : "";
  const std::size_t at = text.find(kName);
  if (at == std::string::npos) return device.host_path;
  const std::size_t begin = at + kName.size();
  return "/dev/" + text.substr(begin, text.find('\n', begin) - begin);
}

// What was asked for and the host's does not have: a mode or an owner.
bool differs(const Device::Node& node, const Owner& owner, const struct stat& status) {
  constexpr mode_t kPermissions = 07777;
  return (node.mode && *node.mode != (status.st_mode & kPermissions)) ||
         (node.uid && owner.uid != status.st_uid) || (node.gid && owner.gid != status.st_gid);
}

// For who may make no node. Its path is not the sandbox's to say: the number is.
Result<UniqueFd> host_node(const Device& device, const Owner& owner) {
  const std::string path = kernel_name(device);
  UniqueFd mount(sys::open_tree(AT_FDCWD, path.c_str(), OPEN_TREE_CLONE));
  const std::string what = "the device /" + device.target;
  if (!mount) return base::system_error("provide " + what + ": open " + path, -mount.get());
  const struct stat status = TRY(base::stat_fd(mount.get()));
  if ((status.st_mode & S_IFMT) != type_bits(device.node->type) ||
      status.st_rdev != device.number.value_or(0))
    return base::unsupported(what + " is not what the host has at " + path);
  if (differs(*device.node, owner, status))
    return base::unsupported(
        what +
        " cannot have a mode or an owner of its own: only the host's root can make device "
        "nodes; leave fileMode, uid and gid out to have the host's as it is");
  return mount;
}

Result<void> make_node(int dir, const std::string& name, const Device& device, const Owner& owner) {
  const mode_t type = type_bits(device.node->type);
  if (::mknodat(dir, name.c_str(), type | 0600U, device.number.value_or(0)) != 0)
    return base::errno_error("make the device /" + device.target);
  if (::fchownat(dir, name.c_str(), owner.uid, owner.gid, AT_SYMLINK_NOFOLLOW) != 0 ||
      ::fchmodat(dir, name.c_str(), mode_of(*device.node), 0) != 0)
    return base::errno_error("set the mode and the owner of the device /" + device.target);
  return {};
}

// A node of the tmpfs, or the host's.
Result<UniqueFd> provide(int tmpfs, const Device& device, const IdMappings& ids) {
  const Owner owner = TRY(owner_of(device, ids));
  std::string name = device.target;
  std::ranges::replace(name, '/', '\\');
  auto made = make_node(tmpfs, name, device, owner);
  if (!made.ok() && made.error().errno_value == EPERM &&
      device.node->type != Device::Node::Type::kFifo)
    return host_node(device, owner);
  TRY(std::move(made));
  UniqueFd mount(sys::open_tree(tmpfs, name.c_str(), OPEN_TREE_CLONE));
  if (!mount) return base::system_error("clone the device /" + device.target, -mount.get());
  return mount;
}

}  // namespace

Result<std::vector<UniqueFd>> make_device_nodes(const std::vector<Device>& devices,
                                                const IdMappings& ids) {
  std::vector<UniqueFd> mounts;
  if (std::ranges::none_of(devices, [](const Device& device) { return device.node.has_value(); }))
    return mounts;
  const UniqueFd tmpfs = TRY(make_node_tmpfs());
  auto done = in_own_mount_namespace([&]() -> Result<void> {
    TRY(attach_over_root(tmpfs.get()));
    for (const Device& device : devices) {
      if (device.node) mounts.push_back(TRY(provide(tmpfs.get(), device, ids)));
    }
    return {};
  });
  TRY(std::move(done));
  return mounts;
}

}  // namespace stagebox::sandbox
