// `shell RUN STAGE`: a command of a person's in the sandbox of a stage that has ended.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <optional>

#include "runtime/cli/command_end.h"
#include "runtime/cli/commands.h"
#include "runtime/cli/passed_signals.h"
#include "runtime/cli/run_request.h"
#include "runtime/cli/secret_options.h"
#include "runtime/cli/shell_quote.h"
#include "runtime/cli/standard_streams.h"
#include "runtime/cli/terminal_relay.h"
#include "runtime/run/engine/local_engine.h"
#include "runtime/run/policy/policy_files.h"
#include "runtime/run/stage/recorded_stage.h"
#include "runtime/run/stage_shell.h"
#include "runtime/run/state/stored_state.h"
#include "scheduler/diagnostics.h"

namespace stagebox::cli {
namespace {

using base::Result;

Result<run::EndedStage> find_stage(const ShellOptions& options) {
  const run::StoredState state = TRY(run::StoredState::open(run::Recovery::kRunsOnly));
  const store::RunRecord found = TRY(state.runs().find_run(options.run));
  return run::find_ended_stage(state.runs(), found.id, options.stage);
}

// As the run was judged, with the policies of now: a shell gets no more than its stage would.
Result<run::Permit> permit_shell(const ShellOptions& options, const run::EndedStage& stage) {
  run::PolicySources sources;
  sources.file = TRY(decode_request(stage.run.request)).policy;
  sources.project = std::filesystem::path(stage.run.file).parent_path().string();
  run::Asked asked;
  asked.who = "a shell in stage " + stage.row.stage;
  asked.network = stage.recorded.stage.network;
  asked.capabilities = stage.recorded.stage.capabilities;
  for (const auto& [name, source] : options.secrets) asked.secrets.push_back(name);
  asked.limits = stage.recorded.limits;
  asked.image = stage.recorded.image.oci();
  asked.pin = stage.recorded.image;
  const run::Policy policy = TRY(run::load_policy(stage.run.domain.trust(), sources));
  return run::permit(policy, std::span(&asked, 1));
}

Result<images::UsableImage> find_image(const images::ImageStore& store,
                                       const base::Digest& digest) {
  images::UsableImage usable;
  auto image = store.find(digest.oci());
  if (!image.ok() && image.error().kind == base::ErrorKind::kNotFound) {
    return base::not_found("the stage's image " + digest.oci() +
                           " is not stored any more; import it, or run the stage again");
  }
  usable.image = TRY(std::move(image));
  usable.rootfs = TRY(store.rootfs(usable.image));
  return usable;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + shell_word(word);
  return text;
}

// What is not as it was when the stage ran; where people are told more, also what it was.
void tell_beginning(const run::EndedStage& stage, const run::ShellPlan& plan,
                    const ShellOptions& options, Terminal terminal) {
  const auto say = [](const std::string& text) {
    std::cerr << "stagebox: " << scheduler::escape_controls(text) << '\n';
  };
  if (terminal == Terminal::kOwn) {
    say("stage " + stage.row.stage + " of run " + stage.run.id + ": " +
        std::string(store::stage_state_name(stage.row.state)) +
        (stage.row.reason.empty() ? "" : ", " + stage.row.reason));
    say("it executed: " + joined(stage.recorded.command.argv));
    if (plan.is_as_left)
      say("the workspace is as the stage left it when it failed; changes are thrown away");
  }
  for (const std::string& note : plan.notes) say(note);
  std::string missing;
  for (const scheduler::StageSecret& secret : stage.recorded.stage.secrets) {
    const auto asked = std::ranges::any_of(
        options.secrets, [&](const auto& one) { return one.first == secret.name; });
    if (!asked) missing += (missing.empty() ? "" : ", ") + secret.name;
  }
  if (!missing.empty())
    say("without the stage's secrets (" + missing + "); --secret NAME gives one");
  std::string services;
  for (const scheduler::Service& service : stage.recorded.stage.services)
    services += (services.empty() ? "" : ", ") + service.name;
  if (!services.empty()) say("without the stage's services (" + services + ")");
}

run::Networking networking_of(const run::EndedStage& stage) {
  const bool proxied = stage.recorded.stage.network.mode == scheduler::Network::Mode::kAllow;
  return proxied ? run::Networking::kYes : run::Networking::kNo;
}

Terminal terminal_of(const ShellOptions& options) {
  const bool has_one = ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;
  return options.tty || has_one ? Terminal::kOwn : Terminal::kNone;
}

/// What is looked up and asked before anything is forked.
struct Asked {
  const ShellOptions& options;
  const run::EndedStage& stage;
  const run::Permit& permit;
  const run::Secrets& secrets;
};

// `image` outlives it.
Result<run::ShellSandbox> make_sandbox(const Asked& asked, const run::ShellPlan& plan,
                                       const images::UsableImage& image, run::LocalEngine& engine) {
  std::vector<std::string> command = asked.options.command;
  if (command.empty()) command = {"/bin/sh"};
  const auto seccomp = TRY(engine.seccomp());
  run::ShellSandbox shell = TRY(run::make_shell_sandbox(
      asked.stage, plan, std::move(command), image, asked.secrets, asked.permit, engine.content(),
      engine.ids()->layer_count(), seccomp));
  const scheduler::Network& network = asked.stage.recorded.stage.network;
  if (!network.is_none())
    shell.request.network = TRY(run::make_network_access(network, run::memory_log));
  shell.request.prepare = [copied = std::move(shell.copied),
                           &engine](sandbox::Scratch& scratch) -> Result<void> {
    return run::copy_overlay_files(copied, engine.content(), scratch);
  };
  return shell;
}

Result<int> execute(const Asked& asked) {
  const Terminal terminal = terminal_of(asked.options);
  const auto engine = TRY(run::LocalEngine::open(
      {.networking = networking_of(asked.stage), .imports = run::Imports::kLater}));
  std::optional<TerminalRelay> relay;
  if (terminal == Terminal::kOwn) relay.emplace(TRY(TerminalRelay::prepare()));
  const PassedSignals signals = TRY(PassedSignals::watch([] {}));
  const auto image = TRY(find_image(engine->images(), asked.stage.recorded.image));
  const auto files = asked.options.fresh ? run::ShellFiles::kAsBegun : run::ShellFiles::kAsLeft;
  const run::ShellPlan plan = TRY(run::plan_shell(asked.stage, files, engine->content()));
  run::ShellSandbox shell = TRY(make_sandbox(asked, plan, image, *engine));
  shell.request.supervision.signals_fd = signals.fd();
  InputRelay input;
  TRY(give_standard_streams(terminal, shell.request, input));
  if (relay) pass_terminal(shell.request, *relay);
  tell_beginning(asked.stage, plan, asked.options, terminal);
  run::Finished finished = TRY(engine->launcher().run(std::move(shell.request)));
  if (relay) relay->stop();
  TRY(finished.scratch.destroy());
  TRY(tell_end(finished, asked.options.json_report));
  return finished.report.shell_status();
}

}  // namespace

Result<int> shell_command(const ShellOptions& options) {
  const run::EndedStage stage = TRY(find_stage(options));
  TRY(check_asked_of(options.secrets, stage.recorded.stage));
  const run::Permit permit = TRY(permit_shell(options, stage));
  // Before anything is forked: nobody else gets a copy of them.
  const run::Secrets secrets = TRY(load_asked_secrets(options.secrets, permit.policy()));
  return execute({options, stage, permit, secrets});
}

}  // namespace stagebox::cli
