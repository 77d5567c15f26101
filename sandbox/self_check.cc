#include "sandbox/self_check.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/base/files.h"
#include "sandbox/kernel/kernel_features.h"
#include "sandbox/landlock_checks.h"
#include "sandbox/limit_checks.h"
#include "sandbox/mounts/detached_mount.h"
#include "sandbox/sandbox.h"
#include "sandbox/scratch.h"
#include "sandbox/seccomp/seccomp_policy.h"

namespace stagebox::sandbox {
namespace {

using base::Result;
using base::UniqueFd;
using State = Check::State;

constexpr char kProbeLayer[] = "self-check-layer";

Check check_ids(const HostIds& ids) {
  switch (ids.kind()) {
    case HostIds::Kind::kRoot:
      return {"id mapping", State::kEnforced, "root: each sandbox has an id range of its own", ""};
    case HostIds::Kind::kSubordinate:
      return {
          "id mapping", State::kEnforced,
          std::to_string(ids.layer_count()) + " subordinate ids, shared by this user's sandboxes",
          ""};
    case HostIds::Kind::kSingle:
      break;
  }
  return {"id mapping", State::kDegraded, ids.degraded(), ids.remedy()};
}

// What is looked for beyond what every sandbox has.
struct ProbeWish {
  std::optional<std::uint64_t> disk = std::nullopt;
  DeniedCalls denied = DeniedCalls::kAnswered;
};

// Every step of the set-up, in the order of the real thing; only the command is missing.
Result<void> start_probe(const std::shared_ptr<HostIds>& ids, ForkServer& server, int scratch_dir,
                         const ProbeWish& wish) {
  SandboxSpec spec;
  spec.command.argv = {"/no-such-program"};
  spec.workspace = "workspace";
  spec.seccomp = TRY(compile_seccomp(default_seccomp_rules(), wish.denied));
  spec.limits.disk = wish.disk;
  if (wish.disk) spec.limits.inodes = 1024;
  spec.groups = ids->kind() == HostIds::Kind::kSingle ? SandboxSpec::Groups::kFixed
                                                      : SandboxSpec::Groups::kSettable;
  const HostIds::Lease lease = TRY(HostIds::lease(ids));
  Scratch scratch =
      TRY(Scratch::create({scratch_dir, kProbeName, spec.limits, lease.map(), {}, 0}));
  SandboxResources resources;
  resources.ids = lease.map();
  resources.scratch = TRY(scratch.mount());
  const UniqueFd layer =
      TRY(base::open_beneath(scratch_dir, kProbeLayer, O_PATH | O_DIRECTORY, base::Links::kRefuse));
  resources.layers.push_back(
      TRY(clone_mount(layer.get(), MountAccess::kReadOnly, lease.user_namespace())));
  for (UniqueFd& fd : resources.stdio) fd = TRY(base::open_path("/dev/null", O_RDWR));
  const Sandbox sandbox = TRY(Sandbox::start(server, spec, std::move(resources)));
  struct pollfd dead{sandbox.pidfd(), POLLIN, 0};
  (void)::poll(&dead, 1, -1);
  return scratch.destroy();
}

Result<void> probe(const std::shared_ptr<HostIds>& ids, ForkServer& server, int scratch_dir,
                   const ProbeWish& wish) {
  TRY(base::make_dir_at(scratch_dir, kProbeLayer, 0755));
  const base::ScopeExit remove([&] { (void)base::remove_tree_at(scratch_dir, kProbeLayer); });
  const uid_t owner = ids->layer_shift();
  if (::fchownat(scratch_dir, kProbeLayer, owner, owner, AT_SYMLINK_NOFOLLOW) != 0) {
    return base::errno_error("change the owner of a probe directory");
  }
  return start_probe(ids, server, scratch_dir, wish);
}

constexpr char kStepRemedy[] =
    "the message names the step; see docs/architecture.md, \"What a machine must offer\"";

Check check_probe(std::string name, std::string how, const Result<void>& result,
                  std::string remedy = kStepRemedy) {
  if (result.ok()) return {std::move(name), State::kEnforced, std::move(how), ""};
  return {std::move(name), State::kRefused, result.error().message, std::move(remedy)};
}

// No sandbox starts without one of these, so one that has started had all of them.
std::vector<Check> check_walls(const Result<void>& probed) {
  if (!probed.ok()) return {check_probe("sandbox", "", probed)};
  return {{"namespaces", State::kEnforced,
           "user, mount, pid, net, ipc, uts and cgroup, of each sandbox alone", ""},
          {"root file system", State::kEnforced,
           "an overlay over the image; what is written to it is thrown away", ""},
          {"/proc and /dev", State::kEnforced,
           "of each sandbox alone; what could change the machine or tell of its memory and keys "
           "is masked",
           ""},
          {"privileges", State::kEnforced, "no capabilities; no_new_privs", ""},
          {"system calls", State::kEnforced,
           "a seccomp allow-list, for the native architecture only", ""}};
}

Check check_time() {
  if (KernelFeatures::probed().time_namespace)
    return {"time namespace", State::kEnforced, "clocks since boot start at 0 in each sandbox", ""};
  return {"time namespace", State::kDegraded, "a stage can see how long the machine has been up",
          "Linux 5.6 with CONFIG_TIME_NS"};
}

}  // namespace

std::vector<Check> self_check(const std::shared_ptr<HostIds>& ids, ForkServer& server,
                              CgroupTree& cgroups, int scratch_dir) {
  std::vector<Check> checks;
  checks.push_back(check_ids(*ids));
  const auto probed = probe(ids, server, scratch_dir, {});
  for (Check& check : check_walls(probed)) checks.push_back(std::move(check));
  for (Check& check : check_limits(cgroups, scratch_dir, ids->kind()))
    checks.push_back(std::move(check));
  constexpr std::uint64_t kProbeDisk = std::uint64_t{1} << 20;
  checks.push_back(check_probe("limit: disk, inodes",
                               "tmpfs of that size; its pages count as memory",
                               probe(ids, server, scratch_dir, {.disk = kProbeDisk})));
  const int landlock_abi = KernelFeatures::probed().landlock_abi;
  checks.push_back(check_landlock(landlock_abi));
  checks.push_back(check_time());
  // A process has one filter with a listener at most, those of whoever started us included.
  checks.push_back(check_probe("--explain-syscalls",
                               "seccomp user notification of each call that is refused",
                               probe(ids, server, scratch_dir, {.denied = DeniedCalls::kReported}),
                               "run it where no filter around Stagebox has a listener"));
  checks.push_back(check_probe(
      "network: none", "a network namespace with nothing but a loopback of its own", probed));
  checks.push_back(check_host_network(landlock_abi));
  return checks;
}

}  // namespace stagebox::sandbox
