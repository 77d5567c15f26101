#include "runtime/cli/options.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <tuple>

#include "runtime/base/version.h"
#include "runtime/cli/command_tree.h"

namespace stagebox::cli {
namespace {

using base::Result;

// Splits "K=V"; CLI11 shows the exception's text as the mistake.
std::pair<std::string, std::string> split_at(const std::string& text, char separator,
                                             const std::string& form) {
  const std::size_t at = text.find(separator);
  if (at == std::string::npos || at == 0)
    throw CLI::ValidationError("\"" + text + "\" is not of the form " + form);
  return {text.substr(0, at), text.substr(at + 1)};
}

ExecMount parse_mount(std::string text) {
  ExecMount mount;
  const std::size_t last = text.rfind(':');
  const std::string mode = last == std::string::npos ? "" : text.substr(last + 1);
  if (mode == "rw") {
    throw CLI::ValidationError(
        "\"" + text +
        "\": directories of the host are never writable in a sandbox, which "
        "could leave set-id programs and devices' names there for others to "
        "trip over; \"overlay\" gives a writable view of them, and --artifact "
        "keeps what the command made");
  }
  if (mode == "ro" || mode == "overlay") {
    if (mode == "overlay") mount.mode = ExecMount::Mode::kOverlay;
    text.resize(last);
  }
  std::tie(mount.source, mount.target) =
      split_at(text, ':', "SOURCE:DESTINATION or SOURCE:DESTINATION:ro|overlay");
  return mount;
}

// Words and what they mean. The description of a type lists the words already; CLI11's own would
// add how it keeps them.
template <typename T>
CLI::Validator one_of(const std::map<std::string, T>& words) {
  return CLI::CheckedTransformer(words).description("");
}

CLI::Validator quiet(const CLI::Validator& check) { return check.description(""); }

void add_jobs(CLI::App* app, std::size_t& jobs, const std::string& otherwise) {
  app->add_option("--jobs,-j", jobs,
                  "Stages that run at the same time (default: " + otherwise + ")")
      ->check(quiet(CLI::Range(1, 1024)))
      ->type_name("N");
}

void add_json(CLI::App* app, OutputFormat& format) {
  app->add_flag_callback("--json", [&format] { format = OutputFormat::kJson; }, "Print JSON");
}

// The keys of `resources` in a pipeline file, with dashes.
void add_limits(CLI::App* app, std::map<std::string, std::string>& limits) {
  static constexpr std::pair<const char*, const char*> kLimits[] = {
      {"cpus", "CPU limit in cores, such as 1.5"},
      {"cpu_weight", "Share of the CPU under contention, 1 to 10000; others have 100"},
      {"cpuset", "Processors that may be used, such as 0-3,6"},
      {"cpu_time", "CPU time of all processes together, such as 5m"},
      {"memory", "Memory limit, such as 512MiB (default: three quarters of the machine's)"},
      {"pids", "Limit of processes and threads (default: 4096)"},
      {"disk", "Limit of everything that can be written, such as 1GiB"},
      {"inodes", "Limit of files and directories"},
      {"io_read", "Bytes a second from disk, such as 50MiB"},
      {"io_write", "Bytes a second to disk; needs cgroup v2"},
      {"open_files", "Descriptors of one process (default: 16384)"}};
  for (const auto& [name, help] : kLimits) {
    std::string option = std::string("--") + name;
    std::ranges::replace(option, '_', '-');
    app->add_option_function<std::string>(
        option, [&limits, key = name](const std::string& text) { limits[key] = text; }, help);
  }
}

void add_trust(CLI::App* app, TrustOptions& options) {
  app->add_option("--trust", options.trust,
                  "Whether the files and images may be trusted; untrusted: no secrets, and only "
                  "what the policy permits (default: trusted)")
      ->transform(one_of<base::Trust>(
          {{"trusted", base::Trust::kTrusted}, {"untrusted", base::Trust::kUntrusted}}))
      ->type_name("trusted|untrusted");
  app->add_option("--policy", options.policy,
                  "What sandboxes may have at most, within the machine's policy")
      ->type_name("FILE");
}

// May be given again and again; each value is understood by `parse`.
template <typename Parse, typename T>
CLI::Option* add_repeated(CLI::App* app, const std::string& name, std::vector<T>& values,
                          const Parse& parse, const std::string& help) {
  return app
      ->add_option_function<std::vector<std::string>>(
          name,
          [&values, parse](const std::vector<std::string>& texts) {
            for (const std::string& text : texts) values.push_back(parse(text));
          },
          help)
      ->expected(1)
      ->take_all();
}

// A name alone has no value.
std::pair<std::string, std::optional<std::string>> split_name(const std::string& text,
                                                              const std::string& form) {
  if (text.find('=') == std::string::npos && !text.empty()) return {text, std::nullopt};
  return split_at(text, '=', form);
}

std::pair<std::string, std::string> asked_secret(const std::string& text) {
  const auto [name, source] = split_name(text, "NAME, NAME=env:VAR, NAME=file:PATH or NAME=stdin");
  return {name, source.value_or("")};
}

void add_asked_secrets(CLI::App* app, std::vector<std::pair<std::string, std::string>>& secrets,
                       const std::string& help) {
  add_repeated(app, "--secret", secrets, asked_secret, help)
      ->type_name("NAME[=env:VAR|file:PATH|stdin]")
      ->allow_extra_args(false);  // Else it would eat the -- before a command.
}

void add_secrets(CLI::App* app, std::vector<std::pair<std::string, std::string>>& secrets) {
  add_repeated(
      app, "--secret", secrets,
      [](const std::string& text) {
        return split_at(text, '=', "NAME=env:VAR, NAME=file:PATH or NAME=stdin");
      },
      "A secret for the stages that declare it")
      ->type_name("NAME=env:VAR|file:PATH|stdin");
}

void add_reports(CLI::App* app, ReportOptions& reports) {
  app->add_option("--events", reports.events, "Write what happens as JSON Lines, for programs")
      ->type_name("FILE");
  app->add_option("--trace", reports.trace,
                  "Write when what ran, for a viewer such as Perfetto or chrome://tracing")
      ->type_name("FILE");
  app->add_option(
         "--report", reports.page,
         "Write DIR/index.html at the end: graph, timeline, logs and artifacts, for people")
      ->type_name("DIR");
}

void add_pipeline(CLI::App* app, PipelineOptions& options) {
  app->add_option("FILE", options.file, "The pipeline file")->capture_default_str();
  add_repeated(
      app, "--param", options.params,
      [](const std::string& text) { return split_at(text, '=', "NAME=VALUE"); },
      "Set a parameter of the pipeline")
      ->type_name("NAME=VALUE");
}

// "a|b|c" as its words; nothing when it has other values too.
std::vector<std::string> words_of(const std::string& type) {
  std::vector<std::string> words;
  if (type.find('|') == std::string::npos) return words;
  for (std::size_t begin = 0; begin <= type.size();) {
    const std::size_t end = std::min(type.find('|', begin), type.size());
    words.push_back(type.substr(begin, end - begin));
    begin = end + 1;
  }
  const auto is_word = [](const std::string& word) {
    return !word.empty() &&
           std::ranges::all_of(word, [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; });
  };
  if (!std::ranges::all_of(words, is_word)) words.clear();
  return words;
}

OptionInfo describe(const CLI::Option& option) {
  OptionInfo info;
  for (const std::string& name : option.get_snames()) info.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) info.names.push_back("--" + name);
  const bool is_flag = option.get_type_size() == 0 || option.get_expected_max() == 0;
  if (info.names.empty()) {
    info.value = option.get_name(true);
  } else if (!is_flag) {
    info.value = option.get_type_name();
  }
  info.choices = words_of(option.get_type_name());
  info.help = option.get_description();
  info.required = option.get_required();
  return info;
}

CommandInfo describe(CLI::App* app) {
  CommandInfo info{app->get_name(), app->get_description(), {}, {}};
  for (const CLI::Option* option : app->get_options()) info.options.push_back(describe(*option));
  for (CLI::App* below : app->get_subcommands([](const CLI::App*) { return true; }))
    info.commands.push_back(describe(below));
  return info;
}

// One subcommand: where its options are collected, and how they become the result.
class Parser {
 public:
  /// Of all commands; or, for a `command` that is one of ours, of it and some others: an option
  /// takes longer to describe than to parse.
  explicit Parser(std::string_view command = "")
      : app_("Runs CI pipelines in sandboxes. No daemon, no root.", "stagebox") {
    app_.require_subcommand(1);
    app_.set_version_flag("--version", base::kVersion);
    app_.failure_message(CLI::FailureMessage::simple);
    const auto is_meant = [command](const Group& group) {
      return std::ranges::find(group.commands, command) != group.commands.end();
    };
    const auto groups = all_groups();
    const auto meant = std::ranges::find_if(groups, is_meant);
    for (auto group = groups.begin(); group != groups.end(); ++group) {
      if (meant == groups.end() || group == meant) (this->*group->add)();
    }
  }

  CommandInfo tree() { return describe(&app_); }

  Result<Options> parse(int argc, const char* const* argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::Success& success) {
      return Options(PrintAndExit{help_text(success)});
    } catch (const CLI::Error& error) {
      return base::invalid(std::string(error.what()) + "; see `stagebox --help`");
    }
    return std::move(*result_);
  }

 private:
  struct Group {
    std::vector<std::string_view> commands;
    void (Parser::*add)();
  };
  static std::vector<Group> all_groups() {
    return {{{"run"}, &Parser::add_run},
            {{"resume", "cancel"}, &Parser::add_resume_and_cancel},
            {{"check", "graph"}, &Parser::add_check_and_graph},
            {{"exec"}, &Parser::add_exec},
            {{"shell"}, &Parser::add_shell},
            {{"image"}, &Parser::add_image},
            {{"runs", "show", "logs", "artifacts"}, &Parser::add_history},
            {{"explain"}, &Parser::add_explain},
            {{"doctor", "gc", "pin", "unpin"}, &Parser::add_maintenance},
            {{"completion", "manual"}, &Parser::add_shell_support},
            {{"cache"}, &Parser::add_cache}};
  }

  std::string help_text(const CLI::Success& success) {
    if (dynamic_cast<const CLI::CallForVersion*>(&success) != nullptr)
      return std::string("stagebox ") + base::kVersion + "\n";
    CLI::App* app = &app_;
    while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
    return app->help();
  }

  template <typename T>
  std::pair<CLI::App*, T&> command(CLI::App* parent, const std::string& name,
                                   const std::string& help) {
    CLI::App* app = parent->add_subcommand(name, help);
    auto options = std::make_shared<T>();
    app->callback([this, options] { result_ = std::move(*options); });
    T& reference = *options;
    return {app, reference};
  }

  void add_run() {
    auto [app, options] = command<RunOptions>(&app_, "run", "Run a pipeline");
    add_pipeline(app, options.pipeline);
    add_trust(app, options.trust);
    app->add_option("--domain", options.trust.domain,
                    "Implies --trust untrusted: results are shared with runs of this domain only "
                    "(default: with no other run)")
        ->type_name("NAME");
    add_secrets(app, options.secrets);
    app->add_option("--stage", options.stages, "Only this stage and what it needs")
        ->type_name("STAGE")
        ->expected(1)
        ->take_all();
    add_jobs(app, options.jobs, "processors");
    auto* on_failure = &options.on_failure;
    auto* keep = app->add_flag_callback(
        "--keep-going", [on_failure] { *on_failure = OnFailure::kKeepGoing; },
        "After a failure go on with what does not depend on it (default)");
    app->add_flag_callback(
           "--fail-fast", [on_failure] { *on_failure = OnFailure::kFailFast; },
           "After a failure start nothing new")
        ->excludes(keep);
    app->add_option(
           "--timeout", options.timeout,
           "Cancel what has not ended after this time, such as 1h; the run has failed then")
        ->type_name("DURATION");
    app->add_flag(
           "--no-cache{" + std::string(kEveryStage) + "}", options.no_cache,
           "Run every stage, or with --no-cache=STAGE this one, whatever the stage cache has")
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    app->add_flag("--dry-run", options.dry_run, "Show what would run, in which order");
    add_display(app, options);
    add_reports(app, options.reports);
  }

  static void add_display(CLI::App* app, RunOptions& options) {
    auto* target = &options;
    app->add_option_function<std::string>(
           "--output",
           [target](const std::string& text) {
             if (text == "json") target->format = OutputFormat::kJson;
             if (text == "plain") target->reports.display = Display::kPlain;
             if (text == "tui") target->reports.display = Display::kLive;
           },
           "How to tell what happens: as lines, as JSON Lines, or live on a terminal (auto: live "
           "where that is possible)")
        ->check(quiet(CLI::IsMember({"auto", "plain", "json", "tui"})))
        ->type_name("auto|plain|json|tui");
  }

  void add_resume_and_cancel() {
    auto [resume, resume_options] = command<ResumeOptions>(
        &app_, "resume",
        "Go on with a run that was interrupted; what it finished is not done again");
    resume->add_option("RUN", resume_options.run, "Its id, or `last`")->required();
    add_secrets(resume, resume_options.secrets);
    add_jobs(resume, resume_options.jobs, "as the run was begun");
    add_json(resume, resume_options.format);
    add_reports(resume, resume_options.reports);
    auto [cancel, cancel_options] = command<CancelOptions>(
        &app_, "cancel", "Cancel a run that is going on, and wait for its end");
    cancel->add_option("RUN", cancel_options.run, "Its id, or `last`")->required();
  }

  void add_check_and_graph() {
    auto [check, check_options] =
        command<CheckOptions>(&app_, "check", "Validate a pipeline file, without running anything");
    add_pipeline(check, check_options.pipeline);
    add_json(check, check_options.format);
    auto [graph, graph_options] =
        command<GraphOptions>(&app_, "graph", "Show the stages and what flows between them");
    add_pipeline(graph, graph_options.pipeline);
    graph->add_option("--format", graph_options.format, "text, dot, mermaid or json")
        ->transform(one_of<GraphFormat>({{"text", GraphFormat::kText},
                                         {"dot", GraphFormat::kDot},
                                         {"mermaid", GraphFormat::kMermaid},
                                         {"json", GraphFormat::kJson}}))
        ->type_name("text|dot|mermaid|json");
  }

  static void add_exec_files(CLI::App* app, ExecOptions& options) {
    add_repeated(app, "--mount", options.mounts, parse_mount,
                 "A file or directory of the host at an absolute path of the sandbox: read-only "
                 "(ro), or as a copy-on-write view that is thrown away (overlay)")
        ->type_name("SOURCE:DESTINATION[:ro|overlay]");
    add_repeated(
        app, "--tmpfs", options.tmpfs,
        [](const std::string& text) -> std::pair<std::string, std::string> {
          return text.find(':') == std::string::npos ? std::pair(text, "")
                                                     : split_at(text, ':', "PATH or PATH:SIZE");
        },
        "An empty directory in memory, which counts as the command's (default size: 64MiB)")
        ->type_name("PATH[:SIZE]")
        ->allow_extra_args(false);
    add_repeated(
        app, "--artifact", options.artifacts,
        [](const std::string& text) { return split_at(text, ':', "PATH:DESTINATION"); },
        "A file or directory that the command makes in /workspace, copied to the host when "
        "it has ended; the destination must not exist")
        ->type_name("PATH:DESTINATION");
  }

  static void add_exec_environment(CLI::App* app, ExecOptions& options) {
    add_repeated(
        app, "--env,-e", options.environment,
        [](const std::string& text) { return split_name(text, "NAME=VALUE or NAME"); },
        "A variable of the command's environment; without a value, the one it has here")
        ->type_name("NAME[=VALUE]")
        ->allow_extra_args(false);
    app->add_option("--env-file", options.environment_files,
                    "Variables of the command's environment, a NAME=VALUE or NAME each line; "
                    "--env has the last word")
        ->type_name("FILE")
        ->expected(1)
        ->take_all()
        ->allow_extra_args(false);
  }

  void add_exec() {
    auto [app, options] = command<ExecOptions>(&app_, "exec", "Run one command in a sandbox");
    auto* target = &options;
    app->add_option("--image", options.image,
                    "An image's file or directory, or the name of an imported image")
        ->type_name("TAR|NAME")
        ->required();
    app->add_option("--digest", options.digest, "Refuse any other image")->type_name("sha256:HEX");
    add_trust(app, options.trust);
    add_exec_files(app, *target);
    add_exec_environment(app, *target);
    add_asked_secrets(app, options.secrets,
                      "A secret, as the file /run/secrets/NAME; the policy's without a source");
    app->add_option("--user", options.user, "uid, uid:gid or a name (default: the image's)");
    app->add_option("--workdir", options.workdir, "Working directory (default: the image's)");
    add_limits(app, options.limits);
    app->add_option("--ulimit", options.ulimits,
                    "A resource limit of each process, such as stack=16777216, by its name in "
                    "getrlimit(2)")
        ->type_name("NAME=SOFT[:HARD]")
        ->expected(1)
        ->take_all()
        ->allow_extra_args(false);
    app->add_option("--timeout", options.timeout, "Wall time limit, such as 90s or 10m");
    app->add_option("--network", options.network,
                    "What the sandbox can reach: HOST:PORT through a proxy (repeat it for more), "
                    "nat for all that is "
                    "public, host for all (default: none)")
        ->type_name("none|HOST:PORT|nat|host")
        ->expected(1)
        ->take_all();
    app->add_option("--seccomp", options.seccomp_profile,
                    "An OCI or Docker profile in JSON instead of the default system call filter")
        ->type_name("FILE");
    app->add_option("--hostname", options.hostname, "Host name (default: stagebox)");
    app->add_flag("--read-only", options.read_only,
                  "Only /tmp, /workspace and /dev/shm can be written");
    app->add_option("--capability", options.capabilities,
                    "A capability to keep, such as CHOWN; of the sandbox's own user namespace only")
        ->type_name("NAME")
        ->expected(1)
        ->take_all();
    app->add_flag("--tty,-t", options.tty,
                  "Give the command a terminal; this one is passed through to it");
    app->add_flag("--explain-syscalls", options.explain_syscalls,
                  "Name the system calls that the filter denied");
    app->add_flag("--json", options.json_report, "Print the exit report as JSON on standard error");
    app->add_option("COMMAND", options.command,
                    "The command and its arguments, after -- (default: the image's)");
    app->prefix_command(false);
    app->positionals_at_end();
  }

  void add_shell() {
    auto [app, options] = command<ShellOptions>(
        &app_, "shell", "Open a shell in a stage that has ended, with its files and its sandbox");
    app->add_option("RUN", options.run, "Its id, or `last`")->required();
    app->add_option("STAGE", options.stage, "Which stage")->required();
    app->add_flag("--fresh", options.fresh,
                  "Begin with the stage's inputs, not with what it left in its workspace");
    add_asked_secrets(app, options.secrets,
                      "A secret that the stage declares (default: none); the policy's without a "
                      "source");
    app->add_flag(
        "--tty,-t", options.tty,
        "Give the command a terminal, also when this is none (default: when this is one)");
    app->add_flag("--json", options.json_report, "Print the exit report as JSON on standard error");
    app->add_option("COMMAND", options.command,
                    "The command and its arguments, after -- (default: /bin/sh)");
  }

  void add_image() {
    CLI::App* image = app_.add_subcommand("image", "Manage imported images");
    image->require_subcommand(1);
    auto [import, import_options] = command<ImageImportOptions>(
        image, "import", "Import an OCI archive, docker-archive, OCI layout or root file system");
    import
        ->add_option("SOURCE", import_options.source,
                     "The archive or layout directory; - for standard input; ARCHIVE:REF for one "
                     "image of several")
        ->required();
    import
        ->add_option("--ref", import_options.reference,
                     "Of several images the one of this name, digest or number (@0)")
        ->type_name("REF");
    import
        ->add_option("--platform", import_options.platform,
                     "For which machine (default: this one), such as linux/arm64")
        ->type_name("OS/ARCH[/VARIANT]");
    import->add_flag("--rootfs", import_options.is_rootfs,
                     "SOURCE is a plain tar archive of a root file system");
    import->add_flag("--squash-ids", import_options.squash_ids,
                     "Give files of users and groups that are not mapped here to nobody, instead "
                     "of refusing the image");
    import->add_option("--name", import_options.name, "How to call it (default: the file's name)");
    import->add_option("--digest", import_options.digest, "Refuse anything else")
        ->type_name("sha256:HEX");
    add_json(import, import_options.format);
    auto [list, list_options] =
        command<ImageListOptions>(image, "list", "List the imported images");
    add_json(list, list_options.format);
    auto [inspect, inspect_options] =
        command<ImageInspectOptions>(image, "inspect", "Show what is known about an image");
    inspect->add_option("IMAGE", inspect_options.image, "Name or digest")->required();
    add_json(inspect, inspect_options.format);
    auto [remove, remove_options] = command<ImageRemoveOptions>(image, "remove", "Forget an image");
    remove->add_option("IMAGE", remove_options.images, "Names or digests")->required();
    add_json(remove, remove_options.format);
    add_image_contents(image);
  }

  void add_image_contents(CLI::App* image) {
    auto [verify, verify_options] = command<ImageVerifyOptions>(
        image, "verify", "Compare stored images, file by file, with what was imported");
    verify->add_option("IMAGE", verify_options.images, "Names or digests (default: all)");
    verify
        ->add_option("--repair", verify_options.repair_from,
                     "Unpack damaged layers of the one IMAGE again, from this archive of it")
        ->type_name("ARCHIVE");
    add_json(verify, verify_options.format);
    auto [exported, export_options] =
        command<ImageExportOptions>(image, "export", "Write an image to an archive");
    exported->add_option("IMAGE", export_options.image, "Name or digest")->required();
    exported
        ->add_option("DEST", export_options.destination,
                     "A file that does not exist yet; - for standard output")
        ->required();
    auto* is_docker = &export_options.is_docker;
    exported
        ->add_option_function<std::string>(
            "--format", [is_docker](const std::string& text) { *is_docker = text[0] == 'd'; },
            "What to write (default: oci-archive)")
        ->check(quiet(CLI::IsMember({"oci-archive", "docker-archive"})))
        ->type_name("oci-archive|docker-archive");
    add_json(exported, export_options.format);
  }

  // Which lines.
  static void add_log_choices(CLI::App* logs, LogsOptions& options) {
    using Streams = LogsOptions::Streams;
    logs->add_option("--stream", options.streams, "Only one of the two")
        ->transform(one_of<Streams>({{"stdout", Streams::kStdout}, {"stderr", Streams::kStderr}}))
        ->type_name("stdout|stderr");
    logs->add_flag("-f,--follow", options.follow, "Go on until the stage, or the run, is over");
    logs->add_option("--since", options.since, "Only what came then or later: 10m (ago) or a time")
        ->type_name("TIME");
    logs->add_option("--until", options.until, "Only what came before: 10m (ago) or a time")
        ->type_name("TIME");
    logs->add_option("--grep", options.grep, "Only lines that match it, without their colours")
        ->type_name("REGEX");
    logs->add_option("--tail", options.tail, "Only the last N lines")->type_name("N");
  }

  // How they are shown.
  static void add_log_forms(CLI::App* logs, LogsOptions& options) {
    logs->add_flag("-t,--timestamps", options.timestamps, "When each line began");
    auto* raw =
        logs->add_flag("--raw", options.raw, "The very bytes, whatever they do to a terminal");
    logs->add_flag("--annotations", options.annotations,
                   "Only the errors, warnings and notices that stages reported, with their places");
    add_json(logs, options.format);
    for (const char* other : {"--grep", "--tail", "--timestamps", "--annotations", "--json"})
      raw->excludes(logs->get_option(other));
    for (const char* other : {"--follow", "--tail"})
      logs->get_option("--annotations")->excludes(logs->get_option(other));
  }

  void add_tests() {
    auto [tests, options] =
        command<TestsOptions>(&app_, "tests", "Show what became of a run's tests");
    tests->add_option("RUN", options.run, "Its id, or `last`")->required();
    tests->add_option("STAGE", options.stage, "Only this stage");
    tests->add_flag("--failed", options.failed, "Only test cases that failed");
    tests->add_flag("--flaky", options.flaky,
                    "Test cases that passed and failed with the same stage key, in this run and "
                    "those before");
    auto* fresh = tests->add_flag("--new", options.fresh,
                                  "Test cases that failed and did not the time before");
    tests->add_flag("--fixed", options.fixed, "Test cases that passed and failed the time before")
        ->excludes(fresh);
    tests->add_option("--slowest", options.slowest, "The test cases that took longest")
        ->check(quiet(CLI::PositiveNumber))
        ->type_name("N");
    auto* coverage = tests->add_flag(
        "--coverage", options.coverage,
        "Which lines the tests executed, in all and by file, beside the last trusted run");
    for (const char* other : {"--failed", "--flaky", "--new", "--fixed", "--slowest"})
      coverage->excludes(tests->get_option(other));
    add_json(tests, options.format);
  }

  void add_history() {
    auto [runs, runs_options] = command<RunsOptions>(&app_, "runs", "List the runs");
    add_json(runs, runs_options.format);
    auto [show, show_options] = command<ShowOptions>(&app_, "show", "Show a run");
    show->add_option("RUN", show_options.run, "Its id, or `last`")->required();
    show->add_option("STAGE", show_options.stage, "Only this stage, with each of its attempts");
    add_json(show, show_options.format);
    auto [logs, logs_options] = command<LogsOptions>(&app_, "logs", "Print what a stage wrote");
    logs->add_option("RUN", logs_options.run, "Its id, or `last`")->required();
    auto* stage = logs->add_option("STAGE", logs_options.stage, "Which stage (default: all)");
    logs->add_option("--attempt", logs_options.attempt, "Which attempt, from 1 (default: the last)")
        ->check(quiet(CLI::PositiveNumber))
        ->type_name("N")
        ->needs(stage);
    add_log_choices(logs, logs_options);
    add_log_forms(logs, logs_options);
    add_tests();
    auto [artifacts, artifact_options] =
        command<ArtifactsOptions>(&app_, "artifacts", "List a run's outputs, or copy one");
    artifacts->add_option("RUN", artifact_options.run, "Its id, or `last`")->required();
    auto* output = artifacts->add_option("OUTPUT", artifact_options.output, "STAGE.OUTPUT");
    auto* destination = artifacts
                            ->add_option("DESTINATION", artifact_options.destination,
                                         "A path that does not exist yet; - for standard output")
                            ->needs(output);
    auto* tar =
        artifacts->add_flag("--tar", artifact_options.is_tar, "Write a tar archive")->needs(output);
    artifacts
        ->add_flag("--provenance", artifact_options.provenance,
                   "Print what it was made from, as an in-toto statement with SLSA provenance")
        ->needs(output)
        ->excludes(tar)
        ->excludes(destination);
    add_json(artifacts, artifact_options.format);
  }

  void add_explain() {
    auto [explain, options] = command<ExplainOptions>(
        &app_, "explain", "Say why a stage ran, or why it was taken from an earlier run");
    explain->add_option("RUN", options.run, "Its id, or `last`")->required();
    explain->add_option("STAGE", options.stage, "Which stage")->required();
    add_json(explain, options.format);
  }

  void add_maintenance() {
    auto [doctor, doctor_options] =
        command<DoctorOptions>(&app_, "doctor", "Show what this machine lets Stagebox enforce");
    add_json(doctor, doctor_options.format);
    auto [gc, gc_options] = command<GcOptions>(
        &app_, "gc", "Remove what nothing needs any more, and what a killed Stagebox left");
    gc->add_option("--keep", gc_options.keep, "What was used within this time stays")
        ->capture_default_str()
        ->type_name("DURATION");
    gc->add_option("--keep-workspaces", gc_options.keep_workspaces,
                   "What stages that failed within this time left stays, for `stagebox shell`")
        ->capture_default_str()
        ->type_name("DURATION");
    gc->add_option("--keep-runs", gc_options.keep_runs, "Only so many of the newest runs stay")
        ->type_name("N");
    gc->add_option("--max-size", gc_options.max_size,
                   "Of stored content, such as 20GiB: what was used longest ago goes first")
        ->type_name("SIZE");
    gc->add_option("--max-image-size", gc_options.max_image_size,
                   "Of the layers of all images; images with a name stay")
        ->type_name("SIZE");
    add_json(gc, gc_options.format);
    auto [pin, pin_options] =
        command<PinOptions>(&app_, "pin", "Keep a run and its outputs until it is unpinned");
    pin->add_option("RUN", pin_options.run, "Its id, or `last`")->required();
    auto [unpin, unpin_options] = command<PinOptions>(&app_, "unpin", "Let gc forget a run again");
    unpin->add_option("RUN", unpin_options.run, "Its id, or `last`")->required();
    unpin_options.pinned = false;
  }

  void add_cache() {
    CLI::App* cache =
        app_.add_subcommand("cache", "List or remove what stages saved of their caches");
    cache->require_subcommand(1);
    auto [list, list_options] =
        command<CacheListOptions>(cache, "list", "List the saved caches, the one used last first");
    add_json(list, list_options.format);
    auto [remove, remove_options] =
        command<CacheRemoveOptions>(cache, "remove", "Forget saved caches");
    remove->add_option("ID", remove_options.ids, "Numbers of `cache list`");
    remove->add_option("--domain", remove_options.domain, "All of this untrusted domain")
        ->type_name("NAME");
    remove->add_flag("--all", remove_options.all, "All of them");
    add_json(remove, remove_options.format);
  }

  void add_shell_support() {
    auto [completion, completion_options] = command<CompletionOptions>(
        &app_, "completion", "Print a script that completes commands in a shell");
    completion->add_option("SHELL", completion_options.shell, "bash, zsh or fish")
        ->required()
        ->transform(
            one_of<Shell>({{"bash", Shell::kBash}, {"zsh", Shell::kZsh}, {"fish", Shell::kFish}}))
        ->type_name("bash|zsh|fish");
    auto [manual, manual_options] = command<ManualOptions>(
        &app_, "manual", "Print a manual page; to read it: stagebox manual run | man -l -");
    manual->add_option("COMMAND", manual_options.command,
                       "Of this command, such as `run` or `image import` (default: of all)");
    manual->add_flag("--list", manual_options.list, "Print which pages there are, one on a line");
  }

  CLI::App app_;
  std::optional<Options> result_;
};

}  // namespace

Result<Options> parse_options(int argc, const char* const* argv) {
  return Parser(argc > 1 ? argv[1] : "").parse(argc, argv);
}

CommandInfo command_tree() { return Parser().tree(); }

}  // namespace stagebox::cli
