// Launcher: brings a spec, an image's layers and inputs together into one sandbox, stays until it
// is dead and hands back what it left. Stages and `exec` both go through here, so both get the same
// sandbox.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "runtime/run/engine/connections.h"
#include "runtime/run/engine/network_access.h"
#include "runtime/run/engine/network_link.h"
#include "runtime/run/engine/permit.h"
#include "runtime/run/secrets/secret_files.h"
#include "sandbox/cgroup/cgroup_tree.h"
#include "sandbox/fork_server/fork_server.h"
#include "sandbox/network/proxy_server.h"
#include "sandbox/scratch.h"
#include "sandbox/supervision.h"

namespace stagebox::run {

/// A sandbox that runs, for on_start; all of it is there until the sandbox is dead.
struct Running {
  sandbox::ForkServer& server;
  const sandbox::Sandbox& sandbox;
  const sandbox::ProcessSpec& process;  ///< Its first one.
  int network_namespace;                ///< That it shares; -1: its own, or the machine's.
};

/// Whether the launcher makes a working directory that lies in the workspace.
enum class WorkingDirectory {
  kFound,  ///< No: it has to be there.
  kMade,   ///< Where no input has its place.
};

struct LaunchRequest {
  explicit LaunchRequest(Permit given) : permit(std::move(given)) {}

  Permit permit;
  /// `layers` and `groups` are set, and default limits and the policy's ceilings added, by the
  /// launcher.
  sandbox::SandboxSpec spec;
  const std::vector<base::UniqueFd>* layers = nullptr;  ///< O_PATH directories, top first.
  std::vector<base::UniqueFd> inputs;                   ///< O_PATH; spec.inputs refers to them.
  std::array<base::UniqueFd, 3> stdio;
  WorkingDirectory working_directory = WorkingDirectory::kFound;
  /// Files below kSecretsDir, of the spec's user.
  std::vector<SecretFileContent> secrets = {};
  /// None: nothing but loopback.
  std::optional<NetworkAccess> network;
  /// The network of another sandbox instead, beside which this one runs and with which it is ended
  /// by the caller: therefore no ceiling of the policy bounds its wall time.
  std::optional<SharedNetwork> shared_network;
  sandbox::Supervision supervision;  ///< `limits` and `disk` are set by the launcher.
  /// For a spec with a terminal: gets its outer end, and may add outputs. May be empty.
  std::function<base::Result<void>(base::UniqueFd, sandbox::Supervision&)> on_terminal;
  /// Called before the start, for files of the stage's own in the workspace; may be empty.
  std::function<base::Result<void>(sandbox::Scratch&)> prepare;
  /// For what shares the network of this sandbox and has to be there before its command starts; may
  /// be empty.
  BeforeStart before_start;
  /// Called when the command runs, and before anything else looks at it; may add watches. May be
  /// empty.
  std::function<base::Result<void>(const Running&, sandbox::Supervision&)> on_start;
};

/// A sandbox that is dead. What it wrote stays until the scratch directory is destroyed.
struct Finished {
  sandbox::ExitReport report;
  ConnectionSummary connections;
  base::UniqueFd connection_log;  ///< None without an allow-list.
  sandbox::Scratch scratch;
};

/// Where scratch directories are made: `dir`, which outlives the launcher. `only`: there is one at
/// a time, and this is its name.
struct ScratchPlace {
  int dir = -1;
  std::optional<std::string> only = {};
};

class Launcher {
 public:
  /// `scratch` and `cgroups` were recorded as an intent by the caller. Without `proxies`, requests
  /// with an allow-list are refused.
  Launcher(sandbox::ForkServer& server, sandbox::network::ProxyServer* proxies,
           std::shared_ptr<sandbox::HostIds> ids, sandbox::CgroupTree& cgroups,
           ScratchPlace scratch)
      : server_(server),
        proxies_(proxies),
        ids_(std::move(ids)),
        cgroups_(cgroups),
        scratch_(std::move(scratch)) {}

  /// Blocks until the last process of the sandbox is dead. On an error nothing of it is left.
  /// Thread-safe.
  base::Result<Finished> run(LaunchRequest request);

  [[nodiscard]] const sandbox::HostIds& ids() const { return *ids_; }

 private:
  base::Result<sandbox::SandboxResources> make_resources(LaunchRequest& request,
                                                         const sandbox::HostIds::Lease& lease,
                                                         const std::string& name);
  base::Result<sandbox::Scratch> make_scratch(LaunchRequest& request, const sandbox::IdMap& ids,
                                              const std::string& name) const;

  [[nodiscard]] sandbox::Limits effective_limits(const sandbox::Limits& asked,
                                                 const Policy& policy) const;
  /// Network, limits and what else depends on where the sandbox will be.
  base::Result<void> complete(LaunchRequest& request) const;
  /// How it ended, and NetworkLink::finish().
  struct Ended {
    sandbox::ExitReport report;
    std::optional<std::uint64_t> lost_connections;
  };
  base::Result<Ended> run_sandbox(LaunchRequest& request, sandbox::SandboxResources resources);

  sandbox::ForkServer& server_;
  sandbox::network::ProxyServer* proxies_;
  std::shared_ptr<sandbox::HostIds> ids_;
  sandbox::CgroupTree& cgroups_;
  ScratchPlace scratch_;
  std::atomic<std::uint64_t> next_{0};
};

}  // namespace stagebox::run
