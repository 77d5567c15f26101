#include "sandbox/sandbox.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "runtime/base/files.h"
#include "runtime/base/pipe.h"
#include "runtime/base/syscalls.h"
#include "runtime/base/wait_ready.h"
#include "sandbox/fork_server/fd_message.h"
#include "sandbox/ids/id_mappings.h"
#include "sandbox/ids/user_counts.h"
#include "sandbox/kernel/kernel_features.h"
#include "sandbox/kernel/landlock_policy.h"
#include "sandbox/mounts/device_nodes.h"
#include "sandbox/plan/child_plan_builder.h"
#include "sandbox/plan/root_plan.h"

namespace stagebox::sandbox {
namespace {

using base::Result;
using base::UniqueFd;

// A stage opens /dev/stdout by its name, and a pipe belongs to who made it. Only pipes without a
// name: a file or a terminal that was passed in keeps its owner.
void give_pipes_to(const IdMappings& ids, const User& user, const std::array<UniqueFd, 3>& stdio) {
  const auto uid = outside_id(ids.users, user.uid);
  const auto gid = outside_id(ids.groups, user.gid);
  if (!uid || !gid) return;
  for (const UniqueFd& fd : stdio) {
    struct statfs status{};
    if (::fstatfs(fd.get(), &status) != 0 || status.f_type != PIPEFS_MAGIC) continue;
    // Without permission (a pipe of somebody else's) it stays as it is.
    (void)!::fchown(fd.get(), *uid, *gid);
  }
}

// A path can begin at a directory that a process has open, and Landlock says nothing of who changes
// into one, looks at what is in it or connects to a socket there (CVE-2024-21626 was such a one).
Result<void> check_stdio(const std::array<UniqueFd, 3>& stdio) {
  constexpr std::array kNames{"standard input", "standard output", "standard error"};
  for (std::size_t i = 0; i < stdio.size(); ++i) {
    struct stat status{};
    if (::fstat(stdio.at(i).get(), &status) != 0)
      return base::errno_error("look at " + std::string(kNames.at(i)));
    const bool is_place = (::fcntl(stdio.at(i).get(), F_GETFL) & O_PATH) != 0;
    if (is_place || S_ISDIR(status.st_mode))
      return base::invalid(std::string(kNames.at(i)) + " is " +
                           (is_place ? "only a place of the host" : "a directory of the host") +
                           ", through which a sandbox could be left");
  }
  return {};
}

struct GivenNamespace {
  Sharing sharing;
  int fd;
  int type;  ///< CLONE_NEW*
  const char* name;
};

std::array<GivenNamespace, 5> given_namespaces(const Namespaces& wanted,
                                               const GivenNamespaces& given) {
  return {{{wanted.network, given.network.get(), CLONE_NEWNET, "network"},
           {wanted.ipc, given.ipc.get(), CLONE_NEWIPC, "ipc"},
           {wanted.uts, given.uts.get(), CLONE_NEWUTS, "uts"},
           {wanted.cgroup, given.cgroup.get(), CLONE_NEWCGROUP, "cgroup"},
           {wanted.time, given.time.get(), CLONE_NEWTIME, "time"}}};
}

// By whatever path it was found.
bool is_our_network(int fd) {
  struct stat given{};
  struct stat own{};
  return ::fstat(fd, &given) == 0 && ::stat("/proc/self/ns/net", &own) == 0 &&
         given.st_dev == own.st_dev && given.st_ino == own.st_ino;
}

Result<void> check_namespaces(const SandboxSpec& spec, const SandboxResources& resources) {
  if (spec.namespaces.network == Sharing::kWithSandbox &&
      ::ioctl(resources.network_namespace.get(), NS_GET_NSTYPE) != CLONE_NEWNET)
    return base::invalid("the sandbox shares a network namespace that it was not given");
  for (const auto& [sharing, fd, type, name] :
       given_namespaces(spec.namespaces, resources.namespaces)) {
    if (sharing == Sharing::kGiven && ::ioctl(fd, NS_GET_NSTYPE) != type)
      return base::invalid("what the sandbox was given to be in is not a namespace of the kind " +
                           std::string(name));
  }
  if (spec.namespaces.network != Sharing::kGiven ||
      !is_our_network(resources.namespaces.network.get()))
    return {};
  const LandlockPolicy landlock = landlock_policy(KernelFeatures::probed().landlock_abi);
  if (landlock.walls_off_abstract_sockets()) return {};
  return base::unsupported(kHostNetworkUnwalled);
}

std::vector<int> entered_namespaces(const SandboxSpec& spec, const SandboxResources& resources) {
  std::vector<int> entered;
  if (spec.namespaces.network == Sharing::kWithSandbox)
    entered.push_back(resources.network_namespace.get());
  for (const GivenNamespace& one : given_namespaces(spec.namespaces, resources.namespaces)) {
    if (one.sharing == Sharing::kGiven) entered.push_back(one.fd);
  }
  return entered;
}

Result<void> check_resources(const SandboxSpec& spec, const SandboxResources& resources) {
  if (spec.limits.needs_cgroup() && !resources.cgroup)
    return base::unsupported("the sandbox has limits but no cgroup to enforce them");
  if (needs_network_channel(spec) && !resources.network_channel.valid())
    return base::invalid("the sandbox has a network but no channel to hand its sockets out");
  TRY(check_stdio(resources.stdio));
  TRY(check_namespaces(spec, resources));
  if (resources.layers.size() != spec.layers || resources.inputs.size() < needed_inputs(spec) ||
      resources.binds.size() < needed_binds(spec))
    return base::invalid("the sandbox refers to layers or mounts that it was not given");
  return {};
}

// In the order of StepFds.
std::vector<int> step_fds(const SandboxSpec& spec, const SandboxResources& resources,
                          const std::vector<UniqueFd>& nodes) {
  std::vector<int> fds{resources.scratch.get()};
  for (const UniqueFd& layer : resources.layers) fds.push_back(layer.get());
  for (std::size_t i = 0; i < needed_inputs(spec); ++i) fds.push_back(resources.inputs[i].get());
  for (std::size_t i = 0; i < needed_binds(spec); ++i) fds.push_back(resources.binds[i].get());
  for (const UniqueFd& node : nodes) fds.push_back(node.get());
  if (needs_network_channel(spec)) fds.push_back(resources.network_channel.get());
  return fds;
}

ForkServer::Process process_of(const std::vector<std::byte>& plan,
                               const std::array<UniqueFd, 3>& stdio, const Cgroup* cgroup) {
  ForkServer::Process process;
  process.plan = plan;
  for (std::size_t i = 0; i < stdio.size(); ++i) process.stdio.at(i) = stdio.at(i).get();
  if (cgroup == nullptr) return process;
  process.cgroup_dir = cgroup->v2_dir();
  for (const UniqueFd& tasks : cgroup->v1_tasks()) process.cgroup_tasks.push_back(tasks.get());
  return process;
}

}  // namespace

Result<Sandbox> Sandbox::clone(ForkServer& server, const SandboxSpec& spec,
                               SandboxResources resources, ExecMoment moment) {
  TRY(check_resources(spec, resources));
  KernelFeatures features = KernelFeatures::probed();
  if (!spec.labels.none() || !spec.mount_label.empty()) features = with_security_modules(features);
  std::optional<UserCounts> counts;
  if (!resources.ids.creator) counts = part_of_user_counts();
  std::vector<std::byte> plan = TRY(build_child_plan(spec, features, moment, counts));
  SocketPair report = TRY(make_socket_pair());
  base::Pipe exit = TRY(base::make_pipe());
  Sandbox sandbox;
  sandbox.mappings_ = TRY(resolve_id_mappings(spec.id_mappings, resources.ids));
  give_pipes_to(sandbox.mappings_, spec.user, resources.stdio);
  const std::vector<UniqueFd> nodes = TRY(make_device_nodes(spec.devices, sandbox.mappings_));
  ForkServer::Request request;
  request.process =
      process_of(plan, resources.stdio, resources.cgroup ? &*resources.cgroup : nullptr);
  request.process.step_fds = step_fds(spec, resources, nodes);
  request.process.report_fd = report.theirs.get();
  request.process.exit_fd = exit.write_end.get();
  request.process.namespaces = spec.namespaces;
  request.entered_namespaces = entered_namespaces(spec, resources);
  request.ids = sandbox.mappings_;
  request.creator = resources.ids.creator;
  request.deny_setgroups = spec.groups == SandboxSpec::Groups::kFixed;
  ForkServer::Cloned cloned = TRY(server.clone_sandbox(request));
  sandbox.pidfd_ = std::move(cloned.pidfd);
  sandbox.id_ = cloned.sandbox;
  sandbox.exit_pipe_ = std::move(exit.read_end);
  sandbox.cgroup_ = std::move(resources.cgroup);
  sandbox.namespaces_ = spec.namespaces;
  sandbox.groups_ = spec.groups;
  sandbox.seccomp_ = spec.seccomp;
  sandbox.labels_ = spec.labels;
  sandbox.report_ = std::make_unique<ExecReport>(std::move(report.ours), std::move(plan));
  return sandbox;
}

Result<Sandbox> Sandbox::create(ForkServer& server, const SandboxSpec& spec,
                                SandboxResources resources) {
  Sandbox sandbox = TRY(clone(server, spec, std::move(resources), ExecMoment::kWhenTold));
  if (TRY(sandbox.await_report()) != ExecReport::Next::kReady)
    return base::system_error("create a sandbox, whose process was killed meanwhile", ESRCH);
  return sandbox;
}

Result<void> Sandbox::start() {
  if (!report_) return base::invalid("the sandbox was started before");
  TRY(report_->proceed());
  (void)TRY(await_report());
  return {};
}

Result<Sandbox> Sandbox::start(ForkServer& server, const SandboxSpec& spec,
                               SandboxResources resources) {
  Sandbox sandbox = TRY(clone(server, spec, std::move(resources), ExecMoment::kAtOnce));
  (void)TRY(sandbox.await_report());
  return sandbox;
}

// With an Error the sandbox is on its way to the end: whoever gets it finds nothing left.
Result<ExecReport::Next> Sandbox::await_report() {
  auto next = report_->wait();
  if (auto observer = report_->take_observer()) observer_ = std::move(observer);
  if (base::UniqueFd terminal = report_->take_terminal()) terminal_ = std::move(terminal);
  if (auto tmpfs = report_->take_tmpfs(); !tmpfs.empty()) tmpfs_ = std::move(tmpfs);
  exec_failure_ = report_->take_exec_failure();
  if (next.ok() && *next == ExecReport::Next::kReady) return next;
  report_.reset();
  if (!next.ok()) {
    (void)signal(SIGKILL);
    (void)base::wait_ready(pidfd_.get(), POLLIN);
  }
  return next;
}

Result<SandboxProcess> Sandbox::exec(ForkServer& server, const ProcessSpec& process,
                                     const std::array<UniqueFd, 3>& stdio) const {
  if (state() != State::kRunning)
    return base::invalid("a process can be added to a running sandbox only");
  TRY(check_stdio(stdio));
  const LandlockPolicy landlock = joined_landlock_policy(KernelFeatures::probed().landlock_abi);
  std::vector<std::byte> plan =
      TRY(build_exec_plan(process, {*seccomp_, landlock, groups_, labels_}));
  SocketPair report = TRY(make_socket_pair());
  base::Pipe exit = TRY(base::make_pipe());
  give_pipes_to(mappings_, process.user, stdio);
  ForkServer::Process request = process_of(plan, stdio, cgroup_ ? &*cgroup_ : nullptr);
  request.report_fd = report.theirs.get();
  request.exit_fd = exit.write_end.get();
  request.namespaces = namespaces_;
  UniqueFd proc;
  if (!labels_.none()) {
    proc = TRY(base::open_path("/proc", O_PATH | O_DIRECTORY));
    request.step_fds = {proc.get()};
  }
  UniqueFd pidfd = TRY(server.join(id_, request));
  report.theirs.reset();
  exit.write_end.reset();
  ExecReport told(std::move(report.ours), std::move(plan));
  (void)TRY(told.wait());
  return SandboxProcess(std::move(pidfd), std::move(exit.read_end), told);
}

Sandbox::State Sandbox::state() const {
  struct pollfd dead{pidfd_.get(), POLLIN, 0};
  if (::poll(&dead, 1, 0) > 0) return State::kStopped;
  return report_ ? State::kCreated : State::kRunning;
}

std::vector<DeniedSyscall> Sandbox::denied_syscalls() const {
  return observer_ ? observer_->finish() : std::vector<DeniedSyscall>();
}

Sandbox::~Sandbox() {
  if (!pidfd_.valid()) return;
  (void)signal(SIGKILL);
  (void)base::wait_ready(pidfd_.get(), POLLIN);
}

Result<void> Sandbox::signal(int signal) const {
  const int result = base::sys::pidfd_send_signal(pidfd_.get(), signal);
  if (result < 0 && result != -ESRCH) return base::system_error("signal the sandbox", -result);
  return {};
}

std::optional<child::ExitRecord> Sandbox::exit_record() const {
  child::ExitRecord record{};
  if (::read(exit_pipe_.get(), &record, sizeof(record)) != sizeof(record)) return std::nullopt;
  return record;
}

CgroupUsage Sandbox::cgroup_usage() { return cgroup_ ? cgroup_->usage() : CgroupUsage{}; }

std::chrono::microseconds Sandbox::cpu_time() const {
  return cgroup_ ? cgroup_->cpu_time() : std::chrono::microseconds{};
}

Result<void> Sandbox::destroy(Removal removal) {
  if (state() != State::kStopped) {
    if (removal == Removal::kOfDead)
      return base::invalid("the sandbox still runs; kill it before it is removed");
    TRY(signal(SIGKILL));
    (void)base::wait_ready(pidfd_.get(), POLLIN);
  }
  // What is in them is the cgroup's.
  tmpfs_.clear();
  if (!cgroup_) return {};
  auto result = cgroup_->destroy();
  cgroup_.reset();
  return result;
}

}  // namespace stagebox::sandbox
