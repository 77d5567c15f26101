#include "sandbox/child_plan_builder.h"

#include <linux/mount.h>
#include <sys/resource.h>

#include <cstring>
#include <map>

#include "sandbox/child/child_plan.h"

namespace stagebox::sandbox {
namespace {

using child::PlanHeader;
using child::Step;
using child::StepKind;

constexpr std::uint64_t kNoSuidNoDev = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
constexpr std::int16_t kScratchFd = 0;
constexpr std::int16_t kFirstLayerFd = 1;
// execve(2) refuses more than a quarter of the 8 MiB stack anyway.
constexpr std::size_t kMaxPlanBytes = std::size_t{8} << 20;
// mount(2) passes one page of options.
constexpr std::size_t kMaxOverlayOptions = 4095;

// Appends strings and arrays to one buffer and remembers where they are.
class PlanWriter {
 public:
  PlanWriter() { buffer_.resize(sizeof(PlanHeader)); }

  std::uint32_t text(const std::string& value) { return bytes(value.c_str(), value.size() + 1); }

  std::uint32_t bytes(const void* data, std::size_t size) {
    constexpr std::size_t kAlign = 8;
    buffer_.resize((buffer_.size() + kAlign - 1) / kAlign * kAlign);
    const auto offset = static_cast<std::uint32_t>(buffer_.size());
    const auto* begin = static_cast<const std::byte*>(data);
    buffer_.insert(buffer_.end(), begin, begin + size);
    return offset;
  }

  void step(StepKind kind, std::uint64_t number1 = 0, std::uint64_t number2 = 0) {
    push(kind, -1, empty(), empty(), number1, number2);
  }
  void step(StepKind kind, const std::string& text1, const std::string& text2 = "",
            std::uint64_t number1 = 0) {
    push(kind, -1, text(text1), text(text2), number1, 0);
  }
  void fd_step(StepKind kind, std::int16_t fd, const std::string& text1) {
    push(kind, fd, text(text1), empty(), 0, 0);
  }
  void push(StepKind kind, std::int16_t fd, std::uint32_t text1, std::uint32_t text2,
            std::uint64_t number1, std::uint64_t number2) {
    steps_.push_back(Step{kind, fd, text1, text2, 0, number1, number2});
  }
  std::uint32_t empty() {
    if (empty_ == 0) empty_ = text("");
    return empty_;
  }

  std::vector<std::byte> finish(const Command& command) {
    PlanHeader header{};
    header.argc = static_cast<std::uint32_t>(command.argv.size());
    header.argv = text_array(command.argv);
    std::vector<std::string> environment;
    for (const auto& [name, value] : command.environment) environment.push_back(name + "=" + value);
    header.environment_count = static_cast<std::uint32_t>(environment.size());
    header.environment = text_array(environment);
    header.step_count = static_cast<std::uint32_t>(steps_.size());
    header.steps = bytes(steps_.data(), steps_.size() * sizeof(Step));
    header.size = static_cast<std::uint32_t>(buffer_.size());
    std::memcpy(buffer_.data(), &header, sizeof(header));
    return std::move(buffer_);
  }

 private:
  std::uint32_t text_array(const std::vector<std::string>& values) {
    std::vector<std::uint32_t> offsets;
    offsets.reserve(values.size() + 1);
    for (const std::string& value : values) offsets.push_back(text(value));
    offsets.push_back(0);
    return bytes(offsets.data(), offsets.size() * sizeof(std::uint32_t));
  }

  std::vector<std::byte> buffer_;
  std::vector<Step> steps_;
  std::uint32_t empty_ = 0;
};

std::string overlay_options(const std::string& lower, const std::string& upper_parent) {
  // volatile: what is written to the upper directory is thrown away, so nobody needs it synced.
  return "lowerdir=" + lower + ",upperdir=" + upper_parent + "/upper,workdir=" + upper_parent +
         "/work,userxattr,volatile";
}

base::Result<void> plan_root(const SandboxSpec& spec, PlanWriter& plan) {
  plan.step(StepKind::kMountStaging);
  plan.fd_step(StepKind::kAttachStaging, kScratchFd, "s");
  std::string lower;
  for (std::size_t i = 0; i < spec.layers; ++i) {
    const std::string name = std::to_string(i);
    plan.fd_step(StepKind::kAttachStaging, static_cast<std::int16_t>(kFirstLayerFd + i), name);
    lower += (i == 0 ? "" : ":") + name;
  }
  const std::string options = overlay_options(lower, "s");
  if (options.size() > kMaxOverlayOptions) {
    return base::unsupported("the image has " + std::to_string(spec.layers) +
                             " layers, more than one overlay mount can take; flatten the image");
  }
  plan.step(StepKind::kMountOverlay, "root", options);
  plan.step(StepKind::kOpenRoot, std::string("root"));
  return {};
}

void plan_devices(PlanWriter& plan) {
  plan.step(StepKind::kMountTmpfs, "dev", "mode=0755,size=64k,nr_inodes=64",
            MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
  for (const char* name : {"null", "zero", "full", "random", "urandom", "tty"}) {
    plan.step(StepKind::kBindDevice, std::string("dev/") + name, std::string("/dev/") + name);
  }
  plan.step(StepKind::kMountDevpts, "dev/pts", "newinstance,ptmxmode=0666,mode=0620");
  plan.step(StepKind::kMountTmpfs, "dev/shm", "mode=1777,size=64m", kNoSuidNoDev);
  const std::pair<const char*, const char*> links[] = {{"dev/ptmx", "pts/ptmx"},
                                                       {"dev/fd", "/proc/self/fd"},
                                                       {"dev/stdin", "/proc/self/fd/0"},
                                                       {"dev/stdout", "/proc/self/fd/1"},
                                                       {"dev/stderr", "/proc/self/fd/2"}};
  for (const auto& [link, content] : links) plan.step(StepKind::kSymlink, link, content);
}

void plan_proc(PlanWriter& plan) {
  // Read-only: no kernel setting can be written through it, whatever ids and namespaces allow.
  plan.step(StepKind::kMountProc, "proc", "", kNoSuidNoDev | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY);
  for (const char* name : {"kcore", "keys", "key-users", "kmsg", "kallsyms", "latency_stats",
                           "sched_debug", "timer_list", "sysrq-trigger", "interrupts"}) {
    plan.step(StepKind::kMaskProcFile, std::string(name));
  }
  for (const char* name : {"acpi", "scsi", "bus", "irq"}) {
    plan.step(StepKind::kMaskProcDir, std::string(name));
  }
}

void plan_inputs(const SandboxSpec& spec, PlanWriter& plan) {
  std::size_t overlays = 0;
  for (const InputMount& input : spec.inputs) {
    const auto fd = static_cast<std::int16_t>(kFirstLayerFd + spec.layers + input.source);
    if (input.mode == InputMount::Mode::kOverlay) {
      const std::string name = std::to_string(overlays++);
      plan.fd_step(StepKind::kAttachStaging, fd, "i" + name);
      plan.step(StepKind::kMountOverlay, "o" + name,
                overlay_options("i" + name, "s/overlay" + name));
      plan.step(StepKind::kBindStaging, input.target, "o" + name);
    } else if (input.kind == InputMount::Kind::kFile) {
      plan.fd_step(StepKind::kAttachRootFile, fd, input.target);
    } else {
      plan.fd_step(StepKind::kAttachRoot, fd, input.target);
    }
  }
}

void plan_root_contents(const SandboxSpec& spec, PlanWriter& plan) {
  plan_devices(plan);
  plan_proc(plan);
  plan.step(StepKind::kBindStaging, "tmp", "s/tmp", kNoSuidNoDev);
  plan.step(StepKind::kWriteFile, "etc/hosts",
            "127.0.0.1 localhost " + spec.hostname + "\n::1 localhost ip6-localhost\n");
  if (!spec.workspace.empty()) {
    plan.step(StepKind::kBindStaging, spec.workspace, "s/workspace", kNoSuidNoDev);
  }
  plan_inputs(spec, plan);
}

void plan_stage_process(const SandboxSpec& spec, PlanWriter& plan) {
  plan.step(StepKind::kNewSession);
  plan.step(StepKind::kStdio);
  for (const Rlimit& limit : spec.rlimits) {
    plan.step(StepKind::kRlimit, static_cast<std::uint64_t>(limit.resource), limit.value);
  }
  plan.step(StepKind::kCapabilityBounds, spec.capabilities);
  const std::uint64_t ids = static_cast<std::uint64_t>(spec.user.uid) << 32 | spec.user.gid;
  const bool fixed = spec.groups == SandboxSpec::Groups::kFixed;
  plan.push(StepKind::kSetUser, fixed ? std::int16_t{0} : std::int16_t{-1},
            plan.bytes(spec.user.groups.data(), spec.user.groups.size() * sizeof(gid_t)),
            plan.empty(), ids, spec.user.groups.size());
  plan.step(StepKind::kDropCapabilities, spec.capabilities);
  plan.step(StepKind::kWorkdir, spec.command.workdir);
  plan.step(StepKind::kNoNewPrivileges);
  const auto& filter = spec.seccomp->instructions;
  plan.push(StepKind::kSeccomp, -1, plan.bytes(filter.data(), filter.size() * sizeof(sock_filter)),
            plan.empty(), filter.size(), 0);
  plan.step(StepKind::kExec, spec.command.argv.front());
}

base::Result<void> check(const SandboxSpec& spec) {
  if (spec.command.argv.empty() || spec.command.argv.front().empty()) {
    return base::invalid("there is no command to run");
  }
  if (spec.layers == 0) return base::invalid("the image has no layers");
  if (spec.seccomp == nullptr || spec.seccomp->instructions.empty()) {
    return base::unsupported("a sandbox without a system call filter is not started");
  }
  if (!spec.command.workdir.starts_with('/')) {
    return base::invalid("the working directory \"" + spec.command.workdir + "\" is not absolute");
  }
  return {};
}

const char* verb(StepKind kind) {
  switch (kind) {
    case StepKind::kBecomeNamespaceRoot:
      return "become root of the user namespace";
    case StepKind::kNewCgroupNamespace:
      return "make a cgroup namespace";
    case StepKind::kMakeMountsPrivate:
      return "make all mounts private";
    case StepKind::kMountStaging:
      return "mount the staging directory";
    case StepKind::kAttachStaging:
      return "attach a layer, an input or the scratch directory";
    case StepKind::kMountOverlay:
      return "mount an overlay";
    case StepKind::kOpenRoot:
      return "open the root file system";
    case StepKind::kMakeDir:
      return "create the directory";
    case StepKind::kMountTmpfs:
      return "mount a tmpfs on";
    case StepKind::kMountProc:
      return "mount proc on";
    case StepKind::kMaskProcFile:
    case StepKind::kMaskProcDir:
      return "mask in proc";
    case StepKind::kMountDevpts:
      return "mount devpts on";
    case StepKind::kBindDevice:
      return "provide the device";
    case StepKind::kBindStaging:
    case StepKind::kAttachRoot:
    case StepKind::kAttachRootFile:
      return "mount on";
    case StepKind::kSymlink:
      return "create the link";
    case StepKind::kWriteFile:
      return "write";
    case StepKind::kLoopbackUp:
      return "bring the loopback interface up";
    case StepKind::kSetHostname:
      return "set the host name";
    case StepKind::kEnterRoot:
      return "enter the root file system";
    case StepKind::kStartStage:
      return "fork the stage's process";
    case StepKind::kNewSession:
      return "start a session";
    case StepKind::kStdio:
      return "set up standard input and output";
    case StepKind::kRlimit:
      return "set a resource limit";
    case StepKind::kCapabilityBounds:
    case StepKind::kDropCapabilities:
      return "drop capabilities";
    case StepKind::kSetUser:
      return "change to the stage's user";
    case StepKind::kNoNewPrivileges:
      return "set no_new_privs";
    case StepKind::kWorkdir:
      return "change to the working directory";
    case StepKind::kSeccomp:
      return "load the system call filter";
    case StepKind::kExec:
      return "execute";
  }
  return "set up";
}

// The step's own path, where the person who reads the error can do something with it.
bool shows_path(StepKind kind) {
  switch (kind) {
    case StepKind::kMakeDir:
    case StepKind::kMountTmpfs:
    case StepKind::kMountProc:
    case StepKind::kMaskProcFile:
    case StepKind::kMaskProcDir:
    case StepKind::kMountDevpts:
    case StepKind::kBindDevice:
    case StepKind::kBindStaging:
    case StepKind::kAttachRoot:
    case StepKind::kAttachRootFile:
    case StepKind::kSymlink:
    case StepKind::kWriteFile:
    case StepKind::kWorkdir:
    case StepKind::kExec:
      return true;
    default:
      return false;
  }
}

}  // namespace

base::Result<std::vector<std::byte>> build_child_plan(const SandboxSpec& spec) {
  TRY(check(spec));
  PlanWriter plan;
  plan.step(StepKind::kBecomeNamespaceRoot, spec.groups == SandboxSpec::Groups::kSettable ? 1 : 0);
  plan.step(StepKind::kNewCgroupNamespace);
  plan.step(StepKind::kMakeMountsPrivate);
  TRY(plan_root(spec, plan));
  plan_root_contents(spec, plan);
  plan.step(StepKind::kLoopbackUp);
  plan.step(StepKind::kSetHostname, spec.hostname);
  plan.step(StepKind::kEnterRoot);
  plan.step(StepKind::kStartStage);
  plan_stage_process(spec, plan);
  auto bytes = plan.finish(spec.command);
  if (bytes.size() > kMaxPlanBytes) {
    return base::invalid("the command and its environment are larger than 8 MiB");
  }
  return bytes;
}

std::string describe_step(const std::vector<std::byte>& plan, std::size_t index) {
  const child::PlanView view(plan.data());
  if (index >= view.header().step_count) return "set up the sandbox";
  const Step& step = view.step(static_cast<std::uint32_t>(index));
  const std::string text = verb(step.kind);
  if (!shows_path(step.kind)) return text;
  const std::string path = view.text(step.text1);
  const bool in_root = step.kind != StepKind::kExec && !path.starts_with('/');
  return text + " \"" + (in_root ? "/" : "") + path + "\"";
}

bool is_exec_step(const std::vector<std::byte>& plan, std::size_t index) {
  const child::PlanView view(plan.data());
  return index < view.header().step_count &&
         view.step(static_cast<std::uint32_t>(index)).kind == StepKind::kExec;
}

}  // namespace stagebox::sandbox
