#include "runtime/run/engine/launcher.h"

#include <linux/mount.h>
#include <string.h>

#include <algorithm>
#include <string>

#include "runtime/base/files.h"
#include "sandbox/cgroup/limit_defaults.h"
#include "sandbox/cpu_rlimit.h"
#include "sandbox/disk_reserve_watch.h"
#include "sandbox/mounts/detached_mount.h"
#include "sandbox/plan/spec_checks.h"

namespace stagebox::run {
namespace {

using base::Result;
using base::UniqueFd;
using sandbox::InputMount;

Result<UniqueFd> mount_one(const UniqueFd& source, int user_namespace, const std::string& what) {
  auto mount = sandbox::clone_mount(source.get(), sandbox::MountAccess::kReadOnly, user_namespace);
  if (!mount.ok()) return mount.error().with_context(what);
  return mount;
}

Result<std::vector<UniqueFd>> mount_layers(const std::vector<UniqueFd>& layers,
                                           int user_namespace) {
  std::vector<UniqueFd> mounts;
  mounts.reserve(layers.size());
  for (const UniqueFd& layer : layers)
    mounts.push_back(TRY(mount_one(layer, user_namespace, "a layer in the state directory")));
  return mounts;
}

Result<std::vector<UniqueFd>> mount_inputs(const LaunchRequest& request, int user_namespace) {
  std::vector<std::string> targets(request.inputs.size());
  for (const InputMount& input : request.spec.inputs) targets.at(input.source) = input.target;
  std::vector<UniqueFd> mounts;
  mounts.reserve(request.inputs.size());
  for (std::size_t i = 0; i < targets.size(); ++i) {
    mounts.push_back(
        TRY(mount_one(request.inputs[i], user_namespace, "what belongs at /" + targets[i])));
  }
  return mounts;
}

// The mount with the secrets; the spec is told where it belongs.
Result<UniqueFd> add_secrets(LaunchRequest& request, const sandbox::IdMap& ids) {
  sandbox::Mount mount;
  mount.type = sandbox::Mount::Type::kBind;
  mount.target = kSecretsDir;
  mount.attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  request.spec.mounts.push_back(std::move(mount));
  const sandbox::User& user = request.spec.user;
  return make_secret_files(request.secrets, ids.first, ids.first + user.uid, ids.first + user.gid);
}

// The part of a target that lies in the workspace, if it does.
bool below(const std::string& target, const std::string& workspace, std::string& rest) {
  if (workspace.empty() || !target.starts_with(workspace + "/")) return false;
  rest = target.substr(workspace.size() + 1);
  return true;
}

// An input that is mounted above it or in its place says itself what is there.
Result<void> make_working_directory(const sandbox::SandboxSpec& spec, sandbox::Scratch& scratch) {
  const std::string directory = spec.command.workdir.substr(1);
  std::string rest;
  if (!below(directory, spec.workspace, rest)) return {};
  const auto covers = [&directory](const InputMount& input) {
    return (directory + "/").starts_with(input.target + "/");
  };
  if (std::ranges::any_of(spec.inputs, covers)) return {};
  const auto path = TRY(base::RelativePath::parse(rest));
  return scratch.make_directory(path);
}

// Of a request whose environment can have secrets: as soon as nobody needs it.
void forget_environment(LaunchRequest& request) {
  if (request.secrets.empty()) return;
  for (auto& [name, value] : request.spec.command.environment)
    ::explicit_bzero(value.data(), value.size());
  request.spec.command.environment.clear();
}

}  // namespace

Result<sandbox::Scratch> Launcher::make_scratch(LaunchRequest& request, const sandbox::IdMap& ids,
                                                const std::string& name) const {
  const sandbox::SandboxSpec& spec = request.spec;
  sandbox::Scratch::Request wanted;
  wanted.parent_fd = scratch_.dir;
  wanted.name = scratch_.only.value_or(name);
  wanted.limits = spec.limits;
  wanted.ids = ids;
  wanted.user = spec.user;
  wanted.input_overlays = static_cast<std::size_t>(std::count_if(
      spec.inputs.begin(), spec.inputs.end(),
      [](const InputMount& input) { return input.mode == InputMount::Mode::kOverlay; }));
  sandbox::Scratch scratch = TRY(sandbox::Scratch::create(wanted));
  for (const InputMount& input : spec.inputs) {
    std::string rest;
    if (!below(input.target, spec.workspace, rest)) continue;
    const auto path = TRY(base::RelativePath::parse(rest));
    TRY(scratch.make_mount_point(path, input.kind));
  }
  if (request.prepare) TRY(request.prepare(scratch));
  if (request.working_directory == WorkingDirectory::kMade)
    TRY(make_working_directory(spec, scratch));
  return scratch;
}

Result<sandbox::SandboxResources> Launcher::make_resources(LaunchRequest& request,
                                                           const sandbox::HostIds::Lease& lease,
                                                           const std::string& name) {
  sandbox::SandboxResources resources;
  resources.ids = lease.map();
  resources.layers = TRY(mount_layers(*request.layers, lease.user_namespace()));
  resources.inputs = TRY(mount_inputs(request, lease.user_namespace()));
  if (!request.secrets.empty()) {
    resources.binds.push_back(TRY(add_secrets(request, lease.map())));
  }
  resources.stdio = std::move(request.stdio);
  if (request.shared_network && request.shared_network->network_namespace)
    resources.network_namespace =
        TRY(base::duplicate(request.shared_network->network_namespace.get()));
  // Where none can be made this says what is missing and what to do about it.
  if (!cgroups_.places().empty() || request.spec.limits.needs_cgroup())
    resources.cgroup = TRY(cgroups_.make(name, request.spec.limits, scratch_.dir));
  return resources;
}

Result<Launcher::Ended> Launcher::run_sandbox(LaunchRequest& request,
                                              sandbox::SandboxResources resources) {
  NetworkLink network =
      TRY(NetworkLink::make(request.network ? &*request.network : nullptr, proxies_));
  sandbox::Sandbox running =
      TRY(network.start(server_, request.spec, std::move(resources), request.before_start));
  // Else it is for processes that are added.
  if (!request.on_start) forget_environment(request);
  if (request.on_terminal) TRY(request.on_terminal(running.take_terminal(), request.supervision));
  if (request.on_start) {
    const int shared =
        request.shared_network ? request.shared_network->network_namespace.get() : -1;
    TRY(request.on_start(Running{server_, running, request.spec, shared}, request.supervision));
  }
  sandbox::ExitReport report = TRY(sandbox::supervise(running, std::move(request.supervision)));
  const auto lost = network.finish();
  TRY(running.destroy());
  return Ended{std::move(report), lost};
}

// A ceiling of the policy may ask for what has a default of its own then (inodes beside a disk).
sandbox::Limits Launcher::effective_limits(const sandbox::Limits& asked,
                                           const Policy& policy) const {
  const sandbox::Limits defaulted = sandbox::with_defaults(asked, cgroups_).limits;
  return sandbox::with_defaults(policy.capped(defaulted), cgroups_).limits;
}

Result<void> Launcher::complete(LaunchRequest& request) const {
  TRY(add_network(request.network ? &*request.network : nullptr, request.spec));
  if (request.shared_network) TRY(add_shared_network(*request.shared_network, request.spec));
  if (request.before_start && request.spec.namespaces.network == sandbox::Sharing::kOwn)
    request.spec.network_owner = sandbox::NetworkOwner::kForOthers;
  request.spec.layers = request.layers->size();
  request.spec.limits = effective_limits(request.spec.limits, request.permit.policy());
  TRY(sandbox::check_limits(request.spec.limits));
  if (!request.shared_network) {
    const Policy& policy = request.permit.policy();
    request.supervision.timeout_set_by = policy.who_caps(request.supervision.timeout);
    request.supervision.timeout = policy.capped(request.supervision.timeout);
  }
  request.supervision.open_files =
      TRY(sandbox::add_open_files(request.spec.limits, request.spec.rlimits));
  request.supervision.cpu_rlimit = sandbox::cpu_rlimit(request.spec.rlimits);
  request.spec.groups = ids_->kind() == sandbox::HostIds::Kind::kSingle
                            ? sandbox::SandboxSpec::Groups::kFixed
                            : sandbox::SandboxSpec::Groups::kSettable;
  return {};
}

Result<Finished> Launcher::run(LaunchRequest request) {
  const std::string name = "s" + std::to_string(next_.fetch_add(1));
  TRY(complete(request));
  // Released when this returns: then the sandbox is dead and nothing of its ids runs any more.
  const sandbox::HostIds::Lease lease = TRY(sandbox::HostIds::lease(ids_));
  sandbox::Scratch scratch = TRY(make_scratch(request, lease.map(), name));
  sandbox::SandboxResources resources = TRY(make_resources(request, lease, name));
  resources.scratch = TRY(scratch.mount());
  request.supervision.limits = request.spec.limits;
  if (!request.spec.limits.disk)
    request.supervision.watches.push_back(TRY(sandbox::watch_disk_reserve(scratch.fd())));
  request.supervision.disk = scratch.gauge();
  auto result = run_sandbox(request, std::move(resources));
  forget_environment(request);
  Ended ended = TRY(std::move(result));
  ConnectionSummary connections;
  UniqueFd log;
  if (request.network && request.network->log) {
    log = std::move(request.network->log);
    connections = TRY(summarise_connections(log.get()));
    connections.lost = ended.lost_connections.value_or(0);
    connections.cut_off = !ended.lost_connections;
  }
  return Finished{std::move(ended.report), std::move(connections), std::move(log),
                  std::move(scratch)};
}

}  // namespace stagebox::run
