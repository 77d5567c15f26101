#include "runtime/cli/exec_mounts.h"

#include "runtime/base/printable.h"
#include "runtime/base/relative_path.h"
#include "runtime/base/units.h"
#include "runtime/run/engine/host_mount.h"

namespace stagebox::cli {
namespace {

using base::Result;

// Without the leading slash.
Result<std::string> destination(const std::string& path, const std::string& option) {
  if (!path.starts_with('/')) {
    return base::invalid(option + ": the destination " + base::printable(path) +
                         " is not an absolute path");
  }
  auto target = base::RelativePath::parse(path.substr(1));
  if (!target.ok()) return target.error().with_context(option);
  if (target->is_self()) return base::invalid(option + ": the root itself cannot be mounted over");
  return target->str();
}

Result<void> add_mount(const ExecMount& mount, run::LocalEngine& engine,
                       run::LaunchRequest& request) {
  const sandbox::User& user = request.spec.user;
  std::string target = TRY(destination(mount.target, "--mount"));
  const auto mode = mount.mode == ExecMount::Mode::kOverlay ? sandbox::InputMount::Mode::kOverlay
                                                            : sandbox::InputMount::Mode::kReadOnly;
  auto opened = run::open_host_mount(mount.source, mode, engine, {user.uid, user.gid});
  if (!opened.ok()) return opened.error().with_context("--mount");
  request.spec.inputs.push_back({std::move(target), request.inputs.size(), mode, opened->kind});
  request.inputs.push_back(std::move(opened->source));
  return {};
}

}  // namespace

Result<sandbox::Tmpfs> parse_tmpfs(const std::string& path, const std::string& size) {
  sandbox::Tmpfs tmpfs{TRY(destination(path, "--tmpfs")), sandbox::kDefaultShmSize, 0};
  if (!size.empty()) {
    const auto bytes = base::parse_bytes(size);
    if (!bytes.ok()) return base::Error(bytes.error()).with_context("--tmpfs " + path);
    if (*bytes == 0) return base::invalid("--tmpfs " + path + ": its size is 0");
    tmpfs.bytes = *bytes;
  }
  tmpfs.inodes = sandbox::tmpfs_inodes(tmpfs.bytes);
  return tmpfs;
}

Result<void> add_mounts(const ExecOptions& options, run::LocalEngine& engine,
                        run::LaunchRequest& request) {
  for (const ExecMount& mount : options.mounts) TRY(add_mount(mount, engine, request));
  for (const auto& [path, size] : options.tmpfs)
    request.spec.tmpfs.push_back(TRY(parse_tmpfs(path, size)));
  return {};
}

}  // namespace stagebox::cli
