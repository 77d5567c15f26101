#include "sandbox/plan/root_plan.h"

#include <linux/mount.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "sandbox/plan/bottom_layer.h"
#include "sandbox/plan/process_plan.h"

namespace stagebox::sandbox {
namespace {

using child::StepKind;

constexpr std::uint64_t kNoSuidNoDev = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
// mount(2) passes one page of options.
constexpr std::size_t kMaxOverlayOptions = 4095;
constexpr std::string_view kProc = "proc/";

std::int16_t plus(std::int16_t first, std::size_t offset) {
  return static_cast<std::int16_t>(static_cast<std::size_t>(first) + offset);
}

std::string overlay_options(const std::string& lower, const std::string& upper_parent) {
  // volatile: what is written to the upper directory is thrown away, so nobody needs it synced.
  // xino: one device number for all files, and an inode number that stays when a file is written
  // to, though layers lie on several file systems (overlayfs.rst, "Inode properties").
  return "lowerdir=" + lower + ",upperdir=" + upper_parent + "/upper,workdir=" + upper_parent +
         "/work,userxattr,xino=on,volatile";
}

std::string appended(const std::string& options, const std::string& option) {
  return options.empty() ? option : options + "," + option;
}

// In quotes: the label of a container has a comma.
std::string labelled(const SandboxSpec& spec, const std::string& options) {
  if (spec.mount_label.empty()) return options;
  return appended(options, "context=\"" + spec.mount_label + '"');
}

base::Result<void> plan_layers(const SandboxSpec& spec, const StepFds& fds, PlanWriter& plan) {
  plan.step(StepKind::kMountStaging);
  plan.fd_step(StepKind::kAttachStaging, fds.scratch, "s");
  plan_bottom_layer(spec, plan);
  std::string lower;
  for (std::size_t i = 0; i < spec.layers; ++i) {
    const std::string name = std::to_string(i);
    plan.fd_step(StepKind::kAttachStaging, plus(fds.layers, i), name);
    lower += name + ":";
  }
  lower += kBottomLayer;
  const std::string options = labelled(spec, overlay_options(lower, "s"));
  if (options.size() > kMaxOverlayOptions) {
    return base::unsupported("the image has " + std::to_string(spec.layers) +
                             " layers, more than one overlay mount can take; flatten the image");
  }
  plan.step(StepKind::kMountOverlay, "root", options,
            spec.set_id_programs == SetIdPrograms::kHonoured ? 1 : 0);
  plan.step(StepKind::kOpenRoot, std::string("root"));
  return {};
}

StepKind step_of(Mount::Type type) {
  switch (type) {
    case Mount::Type::kTmpfs:
      return StepKind::kMountTmpfs;
    case Mount::Type::kProc:
      return StepKind::kMountProc;
    case Mount::Type::kDevpts:
      return StepKind::kMountDevpts;
    case Mount::Type::kMqueue:
      return StepKind::kMountMqueue;
    case Mount::Type::kSysfs:
      return StepKind::kMountSysfs;
    case Mount::Type::kCgroup:
      return StepKind::kMountCgroup;
    case Mount::Type::kBind:
      break;
  }
  return StepKind::kAttachRoot;
}

std::string tmpfs_options(std::uint64_t bytes, std::uint64_t inodes) {
  return "mode=1777,size=" + std::to_string(bytes) + ",nr_inodes=" + std::to_string(inodes);
}

std::string with_option(const std::string& options, const std::string& name,
                        const std::string& value) {
  if (("," + options).find("," + name + "=") != std::string::npos) return options;
  return appended(options, name + "=" + value);
}

// hidepid=2: what may not be traced (pid 1, which is ours) is not shown (proc.rst, "Mount
// options").
std::string options_of(const Mount& mount, const SandboxSpec& spec) {
  const Limits& limits = spec.limits;
  if (is_shm(mount) && limits.shm_size)
    return labelled(spec, tmpfs_options(*limits.shm_size, tmpfs_inodes(*limits.shm_size)));
  if (mount.type == Mount::Type::kProc) return with_option(mount.options, "hidepid", "2");
  if (mount.type == Mount::Type::kDevpts)
    return labelled(spec, with_option(mount.options, "max", std::to_string(kMostTerminals)));
  return mount.type == Mount::Type::kTmpfs ? labelled(spec, mount.options) : mount.options;
}

// "1777" of "size=1m,mode=1777".
std::optional<std::uint64_t> mode_in(const std::string& options) {
  constexpr std::string_view kMode = ",mode=";
  constexpr int kOctal = 8;
  const std::string bounded = "," + options;
  const std::size_t at = bounded.find(kMode);
  if (at == std::string::npos) return std::nullopt;
  constexpr std::uint64_t kPermissions = 07777;
  return std::strtoull(bounded.c_str() + at + kMode.size(), nullptr, kOctal) & kPermissions;
}

// An overlay over what is there, whose upper directory is in memory: nothing has to be copied.
void plan_copy(const SandboxSpec& spec, const Mount& mount, std::size_t number, PlanWriter& plan) {
  const std::string name = std::to_string(number);
  const auto mode = mode_in(mount.options);
  plan.step(StepKind::kStageFromRoot, mount.target, "f" + name);
  plan.step(StepKind::kStageTmpfs, "c" + name, mount.options);
  plan.push(StepKind::kStageUpper, -1, plan.text("c" + name), plan.text("f" + name),
            mode.value_or(0), mode ? 0 : 1);
  plan.step(StepKind::kMountOverlay, "v" + name,
            labelled(spec, overlay_options("f" + name, "c" + name)));
  plan.step(StepKind::kBindStaging, mount.target, "v" + name, mount.attributes | kNoSuidNoDev);
}

void plan_mounts(const SandboxSpec& spec, const StepFds& fds, PlanWriter& plan) {
  std::size_t copies = 0;
  for (const Mount& mount : spec.mounts) {
    if (mount.type == Mount::Type::kTmpfs && mount.content == Mount::Content::kOfTheDirectory) {
      plan_copy(spec, mount, copies++, plan);
      continue;
    }
    if (mount.type != Mount::Type::kBind) {
      plan.step(step_of(mount.type), mount.target, options_of(mount, spec), mount.attributes);
      continue;
    }
    const bool file = mount.kind == InputMount::Kind::kFile;
    plan.push(file ? StepKind::kAttachRootFile : StepKind::kAttachRoot,
              plus(fds.binds, mount.source), plan.text(mount.target), plan.empty(),
              mount.attributes, 0);
  }
}

void plan_devices(const SandboxSpec& spec, const StepFds& fds, PlanWriter& plan) {
  std::size_t nodes = 0;
  for (const Device& device : spec.devices) {
    if (device.node) {
      plan.fd_step(StepKind::kAttachRootFile, plus(fds.nodes, nodes++), device.target);
      continue;
    }
    plan.push(StepKind::kBindDevice, -1, plan.text(device.target), plan.text(device.host_path),
              device.number.value_or(0), device.number ? 1 : 0);
  }
  for (const Link& link : spec.links) plan.step(StepKind::kSymlink, link.target, link.content);
}

// What lies in proc is found through the mount itself, not by its path: an image that moves its
// /proc while we look cannot leave ours uncovered (CVE-2025-31133 is of that kind).
void plan_covers(const SandboxSpec& spec, PlanWriter& plan) {
  const bool has_proc = std::ranges::any_of(spec.mounts, [](const Mount& mount) {
    return mount.type == Mount::Type::kProc && mount.target + "/" == kProc;
  });
  const auto cover = [&](StepKind kind, const std::string& path) {
    const bool in_proc = has_proc && path.starts_with(kProc);
    plan.step(kind, in_proc ? path.substr(kProc.size()) : path, "", in_proc ? 1 : 0);
  };
  for (const std::string& path : spec.readonly_paths) cover(StepKind::kReadOnlyPath, path);
  for (const std::string& path : spec.masked_paths) cover(StepKind::kMaskPath, path);
}

void plan_inputs(const SandboxSpec& spec, const StepFds& fds, PlanWriter& plan) {
  std::size_t overlays = 0;
  for (const InputMount& input : spec.inputs) {
    const auto fd = plus(fds.inputs, input.source);
    if (input.mode == InputMount::Mode::kOverlay) {
      const std::string name = std::to_string(overlays++);
      plan.fd_step(StepKind::kAttachStaging, fd, "i" + name);
      plan.step(StepKind::kMountOverlay, "o" + name,
                labelled(spec, overlay_options("i" + name, "s/overlay" + name)));
      plan.step(StepKind::kBindStaging, input.target, "o" + name);
    } else if (input.kind == InputMount::Kind::kFile) {
      plan.fd_step(StepKind::kAttachRootFile, fd, input.target);
    } else {
      plan.fd_step(StepKind::kAttachRoot, fd, input.target);
    }
  }
}

void plan_tmpfs(const SandboxSpec& spec, Holding holding, PlanWriter& plan) {
  for (const Tmpfs& tmpfs : spec.tmpfs) {
    if (held_by(spec, tmpfs) != holding) continue;
    plan.step(StepKind::kMountTmpfs, tmpfs.target,
              labelled(spec, tmpfs_options(tmpfs.bytes, tmpfs.inodes)), kNoSuidNoDev);
  }
}

}  // namespace

bool is_shm(const Mount& mount) {
  return mount.type == Mount::Type::kTmpfs && mount.target == kShm;
}

Holding held_by(const SandboxSpec& spec, const Tmpfs& tmpfs) {
  const auto is_inside = [below = tmpfs.target + "/"](const auto& mount) {
    return mount.target.starts_with(below);
  };
  if (std::ranges::any_of(spec.mounts, is_inside)) return Holding::kMounts;
  return std::ranges::any_of(spec.inputs, is_inside) ? Holding::kInputs : Holding::kNothing;
}

StepFds::StepFds(const SandboxSpec& spec)
    : layers(1),
      inputs(plus(layers, spec.layers)),
      binds(plus(inputs, needed_inputs(spec))),
      nodes(plus(binds, needed_binds(spec))),
      channel(plus(nodes, count_nodes(spec))) {}

std::size_t needed_inputs(const SandboxSpec& spec) {
  std::size_t needed = 0;
  for (const InputMount& input : spec.inputs) needed = std::max(needed, input.source + 1);
  return needed;
}

std::size_t needed_binds(const SandboxSpec& spec) {
  std::size_t needed = 0;
  for (const Mount& mount : spec.mounts) {
    if (mount.type == Mount::Type::kBind) needed = std::max(needed, mount.source + 1);
  }
  return needed;
}

std::size_t count_nodes(const SandboxSpec& spec) {
  return static_cast<std::size_t>(std::ranges::count_if(
      spec.devices, [](const Device& device) { return device.node.has_value(); }));
}

std::size_t count_tmpfs(const SandboxSpec& spec) {
  const auto is_tmpfs = [](const Mount& mount) { return mount.type == Mount::Type::kTmpfs; };
  return spec.tmpfs.size() + static_cast<std::size_t>(std::ranges::count_if(spec.mounts, is_tmpfs));
}

bool needs_network_channel(const SandboxSpec& spec) {
  return spec.proxy || spec.interface || spec.network_owner == NetworkOwner::kForOthers;
}

void plan_propagation(const SandboxSpec& spec, PlanWriter& plan) {
  if (spec.propagation == Propagation::kPrivate) return;
  plan.step(StepKind::kRootPropagation, static_cast<std::uint64_t>(spec.propagation),
            spec.propagation_of == PropagationOf::kAllMounts ? 1 : 0);
}

base::Result<void> plan_root(const SandboxSpec& spec, const StepFds& fds, PlanWriter& plan) {
  TRY(plan_layers(spec, fds, plan));
  plan_tmpfs(spec, Holding::kMounts, plan);
  plan_mounts(spec, fds, plan);
  plan_devices(spec, fds, plan);
  plan_terminal(spec, plan);
  if (spec.terminal) plan.step(StepKind::kBindConsole);
  if (!spec.temporary.empty())
    plan.step(StepKind::kBindStaging, spec.temporary, "s/tmp", kNoSuidNoDev);
  if (const auto hosts = hosts_file_of(spec)) plan.step(StepKind::kWriteFile, "etc/hosts", *hosts);
  if (spec.resolver_file) plan.step(StepKind::kWriteFile, "etc/resolv.conf", *spec.resolver_file);
  if (!spec.workspace.empty())
    plan.step(StepKind::kBindStaging, spec.workspace, "s/workspace", kNoSuidNoDev);
  plan_tmpfs(spec, Holding::kInputs, plan);
  plan_inputs(spec, fds, plan);
  plan_tmpfs(spec, Holding::kNothing, plan);
  plan_covers(spec, plan);
  if (count_tmpfs(spec) > 0) plan.step(StepKind::kReportTmpfs);
  if (spec.access == RootAccess::kReadOnly) plan.step(StepKind::kMakeRootReadOnly);
  return {};
}

}  // namespace stagebox::sandbox
