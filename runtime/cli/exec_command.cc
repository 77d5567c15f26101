#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <iostream>
#include <optional>
#include <stop_token>
#include <string_view>

#include "runtime/base/files.h"
#include "runtime/base/printable.h"
#include "runtime/cli/command_end.h"
#include "runtime/cli/commands.h"
#include "runtime/cli/exec_artifacts.h"
#include "runtime/cli/exec_environment.h"
#include "runtime/cli/exec_limits.h"
#include "runtime/cli/exec_mounts.h"
#include "runtime/cli/exec_permit.h"
#include "runtime/cli/exit_status.h"
#include "runtime/cli/import_display.h"
#include "runtime/cli/limit_warning.h"
#include "runtime/cli/passed_signals.h"
#include "runtime/cli/secret_options.h"
#include "runtime/cli/standard_streams.h"
#include "runtime/cli/terminal_relay.h"
#include "runtime/run/engine/local_engine.h"
#include "runtime/run/engine/secret_delivery.h"
#include "runtime/run/stage/image_user.h"
#include "runtime/run/stage/stage_command.h"
#include "runtime/run/stage/stage_spec.h"
#include "sandbox/seccomp/seccomp_policy.h"
#include "sandbox/seccomp/seccomp_profile.h"
#include "scheduler/diagnostics.h"

namespace stagebox::cli {
namespace {

using base::Result;
using base::UniqueFd;

// As a stage would say it.
Result<scheduler::Network> parse_network(const std::vector<std::string>& texts) {
  using Mode = scheduler::Network::Mode;
  static const std::map<std::string, Mode> kWords{
      {"none", Mode::kNone}, {"nat", Mode::kNat}, {"host", Mode::kHost}};
  scheduler::Network network;
  for (const std::string& text : texts) {
    const auto word = kWords.find(text);
    if (word != kWords.end() && texts.size() > 1)
      return base::invalid("--network " + text + " stands alone, without other --network options");
    if (word != kWords.end()) {
      network.mode = word->second;
      continue;
    }
    auto rule = base::NetworkRule::parse(text);
    if (!rule.ok()) return rule.error().with_context("--network");
    network.mode = Mode::kAllow;
    network.allow.push_back(std::move(*rule));
  }
  return network;
}

// A path that exists is an archive or a layout; anything else is a name. nullopt for an archive
// that has to be imported.
Result<std::optional<images::UsableImage>> find_known_image(const images::ImageStore& store,
                                                            const ExecOptions& wanted) {
  const std::string& text = wanted.image;
  const auto pinned = TRY(pinned_digest(wanted));
  if (::access(text.c_str(), F_OK) == 0) {
    images::ImportOptions options;
    options.pinned = pinned;
    return store.recall_archive(text, options);
  }
  images::UsableImage usable;
  usable.image = TRY(store.find(text));
  if (pinned && !usable.image.is(*pinned)) {
    return base::invalid("the image \"" + text + "\" is " + usable.image.manifest_digest.oci() +
                         ", not " + pinned->oci());
  }
  usable.rootfs = TRY(store.rootfs(usable.image));
  return std::optional(std::move(usable));
}

Result<images::UsableImage> import_image(run::LocalEngine& engine, const ExecOptions& wanted,
                                         const std::stop_token& stop) {
  ImportDisplay display;
  display.tell_first(warning_of_lost_owners(*engine.ids()));
  run::WatchedImport watched(&display, wanted.image);
  images::ImportOptions options;
  options.pinned = TRY(pinned_digest(wanted));
  options.stop = stop;
  options.progress = watched.progress();
  return engine.images().use_archive(wanted.image, options);
}

// As sethostname(2) and RFC 1123, 2.1 have it.
Result<std::string> parse_host_name(const std::string& text) {
  constexpr std::size_t kLongest = 64;
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.";
  if (text.size() <= kLongest && text.find_first_not_of(kLetters) == std::string::npos &&
      !text.starts_with('-') && !text.starts_with('.'))
    return text;
  return base::invalid("--hostname: " + base::printable(text) +
                       " is not a host name: at most 64 letters, digits, \"-\" and \".\"");
}

Result<sandbox::SandboxSpec> make_spec(const ExecOptions& options, const images::ImageConfig& image,
                                       const run::ResolvedUser& user) {
  sandbox::SandboxSpec spec;
  spec.command.argv = options.command;
  if (spec.command.argv.empty()) {
    spec.command.argv = image.entrypoint;
    spec.command.argv.insert(spec.command.argv.end(), image.cmd.begin(), image.cmd.end());
  }
  if (spec.command.argv.empty())
    return base::invalid("the image has no command of its own; give one after --");
  spec.command.environment = run::image_environment(image);
  spec.command.environment.try_emplace("PATH", run::kDefaultPath);
  spec.command.environment.try_emplace("HOME", user.home);
  for (auto& [name, value] : TRY(asked_environment(options)))
    spec.command.environment.insert_or_assign(name, std::move(value));
  const std::string& workdir = options.workdir.empty() ? image.working_dir : options.workdir;
  spec.command.workdir = workdir.empty() ? "/" : workdir;
  spec.user = user.ids;
  spec.workspace = run::kWorkspace;
  spec.rlimits = run::default_rlimits();
  spec.limits = TRY(parse_limits(options.limits));
  TRY(add_ulimits(options.ulimits, spec.limits, spec.rlimits));
  if (!options.hostname.empty()) spec.hostname = TRY(parse_host_name(options.hostname));
  if (options.read_only) spec.access = sandbox::RootAccess::kReadOnly;
  spec.capabilities = sandbox::CapabilitySets::kept(TRY(parse_capabilities(options.capabilities)));
  return spec;
}

Result<std::shared_ptr<const sandbox::SeccompProgram>> load_filter(
    const ExecOptions& options, const sandbox::SeccompCache& cache) {
  constexpr std::size_t kMaxProfile = std::size_t{1} << 20;
  sandbox::SeccompRules rules = sandbox::default_seccomp_rules();
  if (!options.seccomp_profile.empty()) {
    const std::string json = TRY(base::read_file(options.seccomp_profile, kMaxProfile));
    const std::uint64_t kept = TRY(parse_capabilities(options.capabilities));
    rules = TRY(sandbox::parse_seccomp_profile(json, sandbox::ProfileContext::of_machine(kept)));
  }
  return cache.get(rules, options.explain_syscalls ? sandbox::DeniedCalls::kReported
                                                   : sandbox::DeniedCalls::kAnswered);
}

// What the sandbox gets that was not its to take.
struct Granted {
  const run::Permit& permit;
  const run::Secrets& secrets;
};

Result<run::LaunchRequest> make_request(const ExecOptions& options, run::LocalEngine& engine,
                                        const images::ImageConfig& image,
                                        const images::RootFs& rootfs, const Granted& granted,
                                        const scheduler::Network& network) {
  const std::string& user_text = options.user.empty() ? image.user : options.user;
  const run::ResolvedUser user =
      TRY(run::resolve_user(user_text, rootfs.layers, engine.ids()->layer_count()));
  run::LaunchRequest request(granted.permit);
  request.spec = TRY(make_spec(options, image, user));
  request.spec.seccomp = TRY(load_filter(options, engine.seccomp_cache()));
  request.layers = &rootfs.layers;
  TRY(add_mounts(options, engine, request));
  for (const std::string& name : granted.secrets.names())
    TRY(run::add_secret({name, std::nullopt}, granted.secrets, request));
  if (!network.is_none()) request.network = TRY(run::make_network_access(network, run::memory_log));
  if (options.timeout) {
    const auto timeout = parse_time_limit(*options.timeout);
    if (!timeout.ok()) return timeout.error().with_context("--timeout");
    request.supervision.timeout = *timeout;
  }
  return request;
}

// What a signal that means the end ends beside the command, which gets it itself: the import before
// it, the taking of artifacts after it. Of those that came while it ran it has made what it would.
class Stops {
 public:
  void on_end() { (void)(ended_ ? after_ : before_).request_stop(); }
  void command_ended() { ended_ = true; }
  [[nodiscard]] std::stop_token import() const { return before_.get_token(); }
  [[nodiscard]] std::stop_token artifacts() const { return after_.get_token(); }

 private:
  std::stop_source before_;
  std::stop_source after_;
  std::atomic<bool> ended_ = false;
};

// Also of a command that failed, for what it tells about that; but not of one that was stopped.
Result<std::vector<std::string>> take_artifacts(const ExecArtifacts& artifacts,
                                                const run::Finished& finished,
                                                const run::Secrets& secrets,
                                                run::LocalEngine& engine,
                                                const std::stop_token& stop) {
  const bool signaled = std::holds_alternative<sandbox::Signaled>(finished.report.cause);
  if (artifacts.empty() || signaled || !finished.report.ended_by_itself())
    return std::vector<std::string>();
  return artifacts.take(finished, engine.home(), *TRY(engine.open_content()), secrets, stop);
}

// A command that did not make what it should has failed as a stage would have.
int status_of(const sandbox::ExitReport& report, const std::vector<std::string>& problems) {
  for (const std::string& problem : problems)
    std::cerr << "stagebox: " << scheduler::escape_controls(problem) << '\n';
  return report.succeeded() && !problems.empty() ? kStageFailed : report.shell_status();
}

Result<int> conclude(const ExecOptions& options, const ExecArtifacts& artifacts,
                     const run::Secrets& secrets, run::Finished& finished, run::LocalEngine& engine,
                     const std::stop_token& stop) {
  const auto problems = take_artifacts(artifacts, finished, secrets, engine, stop);
  TRY(finished.scratch.destroy());
  TRY(tell_end(finished, options.json_report));
  return status_of(finished.report, TRY(problems));
}

// Without a relay the command gets our standard streams.
Result<run::Finished> launch(run::LocalEngine& engine, run::LaunchRequest request, int signals_fd,
                             TerminalRelay* relay) {
  std::cerr << warning_of_missing_limits(request.spec.limits, engine.cgroups(), "the command");
  request.supervision.signals_fd = signals_fd;
  InputRelay input;
  TRY(give_standard_streams(relay != nullptr ? Terminal::kOwn : Terminal::kNone, request, input));
  if (relay != nullptr) pass_terminal(request, *relay);
  auto finished = engine.launcher().run(std::move(request));
  if (relay != nullptr) relay->stop();
  return finished;
}

Result<int> execute(const ExecOptions& options, const scheduler::Network& network,
                    const Granted& granted, ExecArtifacts artifacts) {
  const auto networking = network.mode == scheduler::Network::Mode::kAllow ? run::Networking::kYes
                                                                           : run::Networking::kNo;
  const auto engine = TRY(run::LocalEngine::open({.networking = networking,
                                                  .imports = run::Imports::kLater,
                                                  .stores = run::Stores::kImages,
                                                  .sandboxes = run::Sandboxes::kOne}));
  auto usable = TRY(find_known_image(engine->images(), options));
  if (!usable) TRY(engine->allow_imports());
  std::optional<TerminalRelay> relay;
  if (options.tty) relay.emplace(TRY(TerminalRelay::prepare()));
  Stops stops;
  const PassedSignals signals = TRY(PassedSignals::watch([&stops] { stops.on_end(); }));
  if (!usable) usable = TRY(import_image(*engine, options, stops.import()));
  auto request =
      TRY(make_request(options, *engine, usable->image.config, usable->rootfs, granted, network));
  TRY(artifacts.add_overlays(request));
  run::Finished finished =
      TRY(launch(*engine, std::move(request), signals.fd(), relay ? &*relay : nullptr));
  stops.command_ended();
  return conclude(options, artifacts, granted.secrets, finished, *engine, stops.artifacts());
}

}  // namespace

Result<int> exec_command(const ExecOptions& options) {
  const ExecOptions resolved = TRY(with_real_paths(options));
  const scheduler::Network network = TRY(parse_network(resolved.network));
  const run::Permit permit = TRY(permit_exec(resolved, network));
  // Before anything is forked: nobody else gets a copy of them.
  const run::Secrets secrets = TRY(load_asked_secrets(resolved.secrets, permit.policy()));
  return execute(resolved, network, {permit, secrets}, TRY(ExecArtifacts::prepare(resolved)));
}

}  // namespace stagebox::cli
