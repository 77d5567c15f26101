// What the kernel tests share: a fork server started before gtest's threads, and one call that runs
// a shell command in a full sandbox and tells how it ended.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "sandbox/cgroup/cgroup_tree.h"
#include "sandbox/fork_server/fork_server.h"
#include "sandbox/network/proxy_server.h"
#include "sandbox/scratch.h"
#include "sandbox/supervision.h"
#include "tests/support/temp_dir.h"

namespace stagebox::testing {

struct RunResult {
  sandbox::ExitReport report;
  std::string output;  ///< stdout and stderr together
};

/// A sandbox whose steps a test takes itself, with what has to live as long.
struct HeldSandbox {
  sandbox::HostIds::Lease lease;
  sandbox::Scratch scratch;
  sandbox::Sandbox sandbox;
  base::UniqueFd output;  ///< Read end of its stdout and stderr.
};

class SandboxTest : public ::testing::Test {
 protected:
  void SetUp() override;

  /// `sh -c script` in a fresh sandbox over the busybox layer. The hooks change what is run and
  /// how.
  base::Result<RunResult> run(const std::string& script);

  enum class Until { kCreated, kRunning };
  /// The same, only created or started.
  base::Result<HeldSandbox> hold(const std::string& script, Until until);
  /// A process that was added to a sandbox; `output` is the read end of its stdout and stderr.
  struct Executed {
    sandbox::SandboxProcess process;
    base::UniqueFd output;
  };
  base::Result<Executed> exec(const HeldSandbox& held, const sandbox::ProcessSpec& process);
  /// What it wrote until its end, or why it could not be added.
  std::string exec_output(const HeldSandbox& held, const sandbox::ProcessSpec& process);
  /// own_server_, or the one that all tests share.
  sandbox::ForkServer& server();
  static const std::shared_ptr<sandbox::HostIds>& ids();
  static sandbox::HostIds::Kind host_ids_kind();
  static sandbox::CgroupTree& cgroups();
  /// Those of spec_ with the defaults that every stage has.
  [[nodiscard]] sandbox::Limits limits() const;
  /// Puts the attack program (tests/kernel/escape/attack) into the image.
  void add_attack_program() const;
  static sandbox::network::ProxyServer& proxies();
  /// Gives a tree below dir_ to the id that is root in the sandbox, as an import or the store
  /// would.
  void own_by_sandbox_root(const std::string& name) const;

  sandbox::SandboxSpec spec_;             ///< Changed by a test before run().
  sandbox::Supervision supervision_;      ///< The same; outputs are added by run().
  std::optional<std::string> input_dir_;  ///< Mounted at /workspace/in.
  std::vector<std::string> bind_dirs_;    ///< What spec_.mounts of type kBind refer to, writable.
  sandbox::InputMount::Mode input_mode_ = sandbox::InputMount::Mode::kReadOnly;
  std::function<void(const sandbox::Sandbox&)> on_start_;  ///< Called when the command is running.
  base::UniqueFd network_channel_;                         ///< For a spec_ with a network.
  base::UniqueFd network_namespace_;                       ///< For Sharing::kWithSandbox.
  /// Of the sandbox's directory in each place for cgroups.
  [[nodiscard]] std::string cgroup_name() const { return "test-" + scratch_name_; }
  /// What the kernel counts of the sandbox of this name; zero where there is no such controller.
  struct Tasks {
    std::uint64_t now = 0;
    std::uint64_t refused = 0;  ///< How often its limit refused a process or thread.
  };
  [[nodiscard]] Tasks tasks() const;
  /// Waits until its limit has refused some, for twenty seconds. `now` is the most that was seen.
  [[nodiscard]] Tasks tasks_when_refused() const;
  std::string scratch_name_ = "scratch";  ///< Below dir_; of sandboxes at the same time, one each.
  base::UniqueFd stdin_;                  ///< Instead of /dev/null.
  /// For a test that ends it, or that starts it as another one than the others do.
  std::unique_ptr<sandbox::ForkServer> own_server_;
  /// Instead of the layer and bind_dirs_: puts what the root file system is made of into them.
  std::function<base::Result<void>(const sandbox::HostIds::Lease&, sandbox::SandboxResources&)>
      bundle_;
  /// Called with what a sandbox is about to be given.
  std::function<void(sandbox::SandboxResources&)> on_resources_;
  TempDir dir_;                    ///< layer/ and the scratch directories.
  std::string workspace_listing_;  ///< Names in the workspace after the last run, one per line.

 private:
  struct Prepared {
    sandbox::HostIds::Lease lease;
    sandbox::Scratch scratch;
    sandbox::SandboxResources resources;
    base::UniqueFd output;
  };
  base::Result<Prepared> prepare(const std::string& script);
  base::Result<sandbox::Scratch> make_scratch(const sandbox::IdMap& ids);
  base::Result<sandbox::SandboxResources> make_resources(const sandbox::HostIds::Lease& lease,
                                                         const sandbox::Scratch& scratch);
  base::Result<RunResult> supervise(sandbox::Sandbox& running, const sandbox::Scratch& scratch,
                                    base::UniqueFd output);
};

/// Holds a sandbox (SandboxTest::hold) or fails the test.
#define HOLD(script, until)                                       \
  __extension__({                                                 \
    auto held_result = hold(script, until);                       \
    ASSERT_TRUE(held_result.ok()) << held_result.error().message; \
    std::move(*held_result);                                      \
  })

}  // namespace stagebox::testing
