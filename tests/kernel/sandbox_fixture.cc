#include "tests/kernel/sandbox_fixture.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "runtime/base/files.h"
#include "runtime/base/pipe.h"
#include "sandbox/cgroup/cgroup_files.h"
#include "sandbox/cgroup/limit_defaults.h"
#include "sandbox/mounts/detached_mount.h"
#include "sandbox/scratch.h"
#include "sandbox/seccomp/seccomp_policy.h"
#include "tests/kernel/missing_feature.h"
#include "tests/support/busybox_layer.h"
#include "tests/support/test_role.h"

namespace stagebox::testing {
namespace {

using base::Result;
using base::UniqueFd;

// Both must exist before the first thread, hence before main's InitGoogleTest.
struct Machine {
  std::shared_ptr<sandbox::HostIds> ids;
  std::unique_ptr<sandbox::ForkServer> server;
  sandbox::CgroupTree cgroups;
  UniqueFd attack_program;
  std::unique_ptr<sandbox::network::ProxyServer> proxies;
};
Machine*& the_machine() {
  static Machine* machine = nullptr;
  return machine;
}

}  // namespace

void SandboxTest::SetUp() {
  // What leads out of an image must not be held up by the modes of the directories it leads to.
  ASSERT_EQ(::fchmod(dir_.fd(), 0755), 0);
  ASSERT_EQ(::mkdirat(dir_.fd(), "layer", 0755), 0);
  if (!make_busybox_layer(dir_.path("layer")))
    GTEST_SKIP() << "no /bin/busybox (package busybox-static)";
  own_by_sandbox_root("layer");
  auto seccomp = sandbox::compile_default_policy();
  ASSERT_TRUE(seccomp.ok()) << seccomp.error().message;
  spec_.seccomp = *seccomp;
  spec_.command.environment = {{"PATH", "/bin"}};
  spec_.workspace = "workspace";
  spec_.command.workdir = "/workspace";
  supervision_.timeout = std::chrono::seconds(30);
  supervision_.grace = std::chrono::milliseconds(200);
}

sandbox::CgroupTree& SandboxTest::cgroups() { return the_machine()->cgroups; }

sandbox::Limits SandboxTest::limits() const {
  return sandbox::with_defaults(spec_.limits, cgroups()).limits;
}

sandbox::HostIds::Kind SandboxTest::host_ids_kind() { return the_machine()->ids->kind(); }

void SandboxTest::add_attack_program() const {
  const UniqueFd program(
      ::open(dir_.path("layer/bin/attack").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0755));
  ASSERT_TRUE(program.valid());
  // Opened before any privilege was given up.
  const int source = the_machine()->attack_program.get();
  struct stat status{};
  ASSERT_EQ(::fstat(source, &status), 0);
  off_t offset = 0;
  ASSERT_EQ(::sendfile(program.get(), source, &offset, static_cast<std::size_t>(status.st_size)),
            status.st_size);
  own_by_sandbox_root("layer");
}

sandbox::network::ProxyServer& SandboxTest::proxies() { return *the_machine()->proxies; }

void SandboxTest::own_by_sandbox_root(const std::string& name) const {
  const uid_t id = the_machine()->ids->layer_shift();
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir_.path(name))) {
    (void)::lchown(entry.path().c_str(), id, id);
  }
  (void)::lchown(dir_.path(name).c_str(), id, id);
}

const std::shared_ptr<sandbox::HostIds>& SandboxTest::ids() { return the_machine()->ids; }

sandbox::ForkServer& SandboxTest::server() {
  return own_server_ ? *own_server_ : *the_machine()->server;
}

Result<SandboxTest::Prepared> SandboxTest::prepare(const std::string& script) {
  if (!script.empty()) spec_.command.argv = {"sh", "-c", script};
  spec_.groups = host_ids_kind() == sandbox::HostIds::Kind::kSingle
                     ? sandbox::SandboxSpec::Groups::kFixed
                     : sandbox::SandboxSpec::Groups::kSettable;
  auto lease = TRY(sandbox::HostIds::lease(the_machine()->ids));
  auto scratch = TRY(make_scratch(lease.map()));
  auto resources = TRY(make_resources(lease, scratch));
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) return base::errno_error("pipe");
  UniqueFd output(pipe[0]);
  resources.stdio[0] = stdin_ ? std::move(stdin_) : TRY(base::open_path("/dev/null", O_RDONLY));
  resources.stdio[1] = UniqueFd(pipe[1]);
  resources.stdio[2] = TRY(base::duplicate(pipe[1]));
  return Prepared{std::move(lease), std::move(scratch), std::move(resources), std::move(output)};
}

Result<HeldSandbox> SandboxTest::hold(const std::string& script, Until until) {
  auto made = TRY(prepare(script));
  auto created = TRY(sandbox::Sandbox::create(server(), spec_, std::move(made.resources)));
  if (until == Until::kRunning) TRY(created.start());
  return HeldSandbox{std::move(made.lease), std::move(made.scratch), std::move(created),
                     std::move(made.output)};
}

Result<SandboxTest::Executed> SandboxTest::exec(const HeldSandbox& held,
                                                const sandbox::ProcessSpec& process) {
  base::Pipe pipe = TRY(base::make_pipe());
  std::array<UniqueFd, 3> stdio{TRY(base::open_path("/dev/null", O_RDONLY)),
                                TRY(base::duplicate(pipe.write_end.get())),
                                TRY(base::duplicate(pipe.write_end.get()))};
  auto added = TRY(held.sandbox.exec(server(), process, stdio));
  return Executed{std::move(added), std::move(pipe.read_end)};
}

std::string SandboxTest::exec_output(const HeldSandbox& held, const sandbox::ProcessSpec& process) {
  auto executed = exec(held, process);
  if (!executed.ok()) return executed.error().message;
  const auto output = base::read_all(executed->output.get(), std::size_t{1} << 20U);
  EXPECT_TRUE(executed->process.wait().ok());
  return output.ok() ? *output : output.error().message;
}

Result<RunResult> SandboxTest::run(const std::string& script) {
  auto made = TRY(prepare(script));
  auto running = TRY(sandbox::Sandbox::start(server(), spec_, std::move(made.resources)));
  sandbox::Scratch& scratch = made.scratch;
  if (on_start_) on_start_(running);
  auto result = TRY(supervise(running, scratch, std::move(made.output)));
  TRY(running.destroy());
  workspace_listing_.clear();
  for (const std::string& name : TRY(base::list_dir(scratch.workspace_fd())))
    workspace_listing_ += name + "\n";
  TRY(scratch.destroy());
  return result;
}

SandboxTest::Tasks SandboxTest::tasks() const {
  Tasks counted;
  for (const std::string& place : cgroups().directories()) {
    const std::string dir = place + "/" + cgroup_name();
    counted.now =
        std::max(counted.now, sandbox::parse_number(sandbox::read_or_empty(dir + "/pids.current")));
    counted.refused = std::max(
        counted.refused, sandbox::keyed_value(sandbox::read_or_empty(dir + "/pids.events"), "max"));
  }
  return counted;
}

SandboxTest::Tasks SandboxTest::tasks_when_refused() const {
  Tasks most;
  for (int i = 0; i < 20'000 && most.refused == 0; ++i) {
    const Tasks counted = tasks();
    most = {std::max(most.now, counted.now), counted.refused};
    (void)::usleep(1000);
  }
  // There can have been more of them between the two looks at the first refusal.
  if (most.refused != 0) most.now = std::max(most.now, tasks().now);
  return most;
}

Result<sandbox::Scratch> SandboxTest::make_scratch(const sandbox::IdMap& ids) {
  sandbox::Scratch::Request request;
  request.parent_fd = dir_.fd();
  request.name = scratch_name_;
  request.limits = limits();
  request.ids = ids;
  request.user = spec_.user;
  request.input_overlays = input_dir_ && input_mode_ == sandbox::InputMount::Mode::kOverlay ? 1 : 0;
  auto scratch = TRY(sandbox::Scratch::create(request));
  if (input_dir_) {
    const auto at = TRY(base::RelativePath::parse("in"));
    TRY(scratch.make_mount_point(at, sandbox::InputMount::Kind::kDirectory));
    spec_.inputs = {{"workspace/in", 0, input_mode_, sandbox::InputMount::Kind::kDirectory}};
  }
  return scratch;
}

Result<sandbox::SandboxResources> SandboxTest::make_resources(const sandbox::HostIds::Lease& lease,
                                                              const sandbox::Scratch& scratch) {
  sandbox::SandboxResources resources;
  resources.ids = lease.map();
  const auto mount = [&](const std::string& path) -> Result<UniqueFd> {
    const UniqueFd dir = TRY(base::open_path(path, O_PATH | O_DIRECTORY));
    return sandbox::clone_mount(dir.get(), sandbox::MountAccess::kReadOnly, lease.user_namespace());
  };
  if (bundle_) {
    TRY(bundle_(lease, resources));
  } else {
    resources.layers.push_back(TRY(mount(dir_.path("layer"))));
  }
  if (input_dir_) resources.inputs.push_back(TRY(mount(*input_dir_)));
  for (const std::string& path : bind_dirs_) {
    const UniqueFd source = TRY(base::open_path(path, O_PATH));
    resources.binds.push_back(TRY(sandbox::clone_mount(
        source.get(), sandbox::MountAccess::kReadWrite, lease.user_namespace())));
  }
  resources.scratch = TRY(scratch.mount());
  resources.network_channel = std::move(network_channel_);
  if (network_namespace_)
    resources.network_namespace = TRY(base::duplicate(network_namespace_.get()));
  if (!cgroups().places().empty() || limits().needs_cgroup())
    resources.cgroup = TRY(
        cgroups().make(spec_.cgroup.empty() ? cgroup_name() : spec_.cgroup, limits(), dir_.fd()));
  if (on_resources_) on_resources_(resources);
  return resources;
}

Result<RunResult> SandboxTest::supervise(sandbox::Sandbox& running, const sandbox::Scratch& scratch,
                                         UniqueFd output) {
  RunResult result;
  sandbox::Supervision supervision;
  supervision.timeout = supervision_.timeout;
  supervision.grace = supervision_.grace;
  supervision.cancel_fd = supervision_.cancel_fd;
  supervision.limits = limits();
  supervision.watches = supervision_.watches;
  supervision.disk = scratch.gauge();
  supervision.outputs.push_back({std::move(output), [&](std::span<const std::byte> bytes) {
                                   result.output.append(reinterpret_cast<const char*>(bytes.data()),
                                                        bytes.size());
                                   return Result<void>();
                                 }});
  result.report = TRY(sandbox::supervise(running, std::move(supervision)));
  return result;
}

}  // namespace stagebox::testing

namespace {

// What a careless caller may have open: without CLOEXEC, before anything of ours was started.
void leak_descriptors() {
  for (const char* path : {"/", "/etc", "/proc", "/dev"})
    (void)::open(path, O_RDONLY | O_DIRECTORY);
}

int fail(const stagebox::base::Error& error) {
  std::cerr << error.message << '\n';
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  namespace testing = stagebox::testing;
  // A list of the tests is asked for while building; that needs nothing.
  ::testing::InitGoogleTest(&argc, argv);
  if (::testing::GTEST_FLAG(list_tests)) return RUN_ALL_TESTS();
  auto attack = stagebox::base::open_path(STAGEBOX_ATTACK_PROGRAM, O_RDONLY);
  if (!attack.ok()) return fail(attack.error());
  // Before anybody's powers go: an ordinary user could load a filter only with no_new_privs, and
  // then not use newuidmap(1).
  const auto hidden = testing::hide_kernel_feature();
  if (!hidden.ok()) return fail(hidden.error());
  const auto role = testing::assume_test_role();
  if (!role.ok() && role.error().kind == stagebox::base::ErrorKind::kUnsupported) {
    // In the words that mark a skipped test.
    std::cout << "[  SKIPPED ] all of them: " << role.error().message << '\n';
    return 0;
  }
  if (!role.ok()) return fail(role.error());
  leak_descriptors();
  auto ids = stagebox::sandbox::HostIds::acquire();
  if (!ids.ok()) return fail(ids.error());
  auto server = stagebox::sandbox::ForkServer::start();
  if (!server.ok()) return fail(server.error());
  auto proxies = stagebox::sandbox::network::ProxyServer::start((*ids)->unprivileged_id());
  if (!proxies.ok()) return fail(proxies.error());
  auto cgroups =
      stagebox::sandbox::CgroupTree::discover("stagebox-test-" + std::to_string(::getpid()));
  if (!cgroups.ok()) return fail(cgroups.error());
  testing::Machine machine{*ids, std::move(*server), std::move(*cgroups), std::move(*attack),
                           std::move(*proxies)};
  testing::the_machine() = &machine;
  const int status = RUN_ALL_TESTS();
  machine.proxies.reset();
  machine.server.reset();
  const auto destroyed = machine.cgroups.destroy();
  return destroyed.ok() ? status : fail(destroyed.error());
}
