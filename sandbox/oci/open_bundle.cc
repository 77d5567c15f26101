#include "sandbox/oci/open_bundle.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <string>
#include <utility>

#include "runtime/base/files.h"
#include "sandbox/ids/id_mappings.h"
#include "sandbox/ids/user_namespace.h"
#include "sandbox/mounts/detached_mount.h"

namespace stagebox::sandbox::oci {
namespace {

using base::Result;
using base::UniqueFd;

Result<UniqueFd> open_in_bundle(int bundle_fd, const std::string& path, int flags) {
  UniqueFd fd(::openat(bundle_fd, path.c_str(), flags | O_PATH | O_CLOEXEC));
  if (!fd) return base::errno_error("open \"" + path + "\" of the bundle");
  return fd;
}

// The sandbox's own, where the config does not say another one.
Result<void> map_as_told(const BindSource& bind, const OciConfig& config,
                         const HostIds::Lease& lease, int mount) {
  const auto& mappings = bind.mapped->mappings ? bind.mapped->mappings : config.spec.id_mappings;
  if (lease.user_namespace() < 0)
    return base::unsupported("map the ids of a mount: only root may ask for it");
  if (!mappings) return map_mount_ids(mount, lease.user_namespace(), bind.mapped->depth);
  const UniqueFd mapping = TRY(make_user_namespace(*mappings));
  return map_mount_ids(mount, mapping.get(), bind.mapped->depth);
}

Result<UniqueFd> open_bind(const BindSource& bind, int bundle_fd, const OciConfig& config,
                           const HostIds::Lease& lease, InputMount::Kind& kind) {
  const UniqueFd source = TRY(open_in_bundle(bundle_fd, bind.path, 0));
  const struct stat status = TRY(base::stat_fd(source.get()));
  kind = S_ISDIR(status.st_mode) ? InputMount::Kind::kDirectory : InputMount::Kind::kFile;
  UniqueFd mount = TRY(clone_mounts(source.get(), bind.depth));
  if (bind.mapped) {
    TRY(map_as_told(bind, config, lease, mount.get()));
  } else if (!config.spec.id_mappings && lease.user_namespace() >= 0) {
    TRY(map_mount_ids(mount.get(), lease.user_namespace(), bind.depth));
  }
  return mount;
}

Result<void> open_binds(OciConfig& config, int bundle_fd, const HostIds::Lease& lease,
                        SandboxResources& resources) {
  for (Mount& mount : config.spec.mounts) {
    if (mount.type != Mount::Type::kBind) continue;
    const BindSource& bind = config.binds.at(mount.source);
    auto opened = open_bind(bind, bundle_fd, config, lease, mount.kind);
    if (!opened.ok()) return opened.error().with_context("mount on /" + mount.target);
    resources.binds.push_back(std::move(*opened));
  }
  return {};
}

Result<void> open_namespaces(const NamespacePaths& paths, GivenNamespaces& given) {
  const std::pair<const std::string&, UniqueFd&> all[] = {{paths.network, given.network},
                                                          {paths.ipc, given.ipc},
                                                          {paths.uts, given.uts},
                                                          {paths.cgroup, given.cgroup},
                                                          {paths.time, given.time}};
  for (const auto& [path, fd] : all) {
    if (!path.empty()) fd = TRY(base::open_path(path, O_RDONLY));
  }
  return {};
}

}  // namespace

Result<void> open_bundle(OciConfig& config, int bundle_fd, const HostIds::Lease& lease,
                         SandboxResources& resources) {
  resources.ids = lease.map();
  const UniqueFd root = TRY(open_in_bundle(bundle_fd, config.root, O_DIRECTORY));
  resources.layers.push_back(
      TRY(clone_mount(root.get(), MountAccess::kReadOnly, lease.user_namespace())));
  TRY(open_binds(config, bundle_fd, lease, resources));
  return open_namespaces(config.namespaces, resources.namespaces);
}

}  // namespace stagebox::sandbox::oci
