#include <algorithm>
#include <map>
#include <string>
#include <tuple>

#include "runtime/cli/command_line/command_groups.h"
#include "runtime/cli/command_line/command_set.h"
#include "runtime/cli/command_line/options.h"
#include "runtime/cli/command_line/shared_options.h"

namespace stagebox::cli {
namespace {

constexpr char kMountForm[] = "SOURCE:DESTINATION or SOURCE:DESTINATION:ro|overlay";

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
  std::tie(mount.source, mount.target) = split_at(text, ':', kMountForm);
  if (mount.target.find(':') != std::string::npos)
    throw CLI::ValidationError("\"" + text + "\" is not of the form " + kMountForm);
  return mount;
}

// The keys of `resources` in a pipeline file, with dashes.
void add_limits(CLI::App* app, std::map<std::string, std::string>& limits) {
  struct Limit {
    const char* name;
    const char* type;
    const char* help;
  };
  static constexpr Limit kLimits[] = {
      {"cpus", "CORES", "CPU limit in cores, such as 1.5"},
      {"cpu_weight", "N", "Share of the CPU under contention, 1 to 10000; others have 100"},
      {"cpuset", "LIST", "Processors that may be used, such as 0-3,6"},
      {"cpu_time", "DURATION", "CPU time of all processes together, such as 5m"},
      {"memory", "SIZE", "Memory limit, such as 512MiB (default: three quarters of the machine's)"},
      {"shm_size", "SIZE", "Size of /dev/shm, which counts as memory (default: 64MiB)"},
      {"pids", "N", "Limit of processes and threads (default: 4096)"},
      {"disk", "SIZE", "Limit of what is written, but to /dev/shm and --tmpfs, such as 1GiB"},
      {"inodes", "N", "Limit of files and directories"},
      {"io_read", "SIZE", "Bytes a second from disk, such as 50MiB"},
      {"io_write", "SIZE", "Bytes a second to disk; needs cgroup v2"},
      {"open_files", "N", "Descriptors of one process (default: 16384)"}};
  for (const auto& [name, type, help] : kLimits) {
    std::string option = std::string("--") + name;
    std::ranges::replace(option, '_', '-');
    app->add_option_function<std::string>(
           option, [&limits, key = name](const std::string& text) { limits[key] = text; }, help)
        ->type_name(type);
  }
}

void add_exec_files(CLI::App* app, ExecOptions& options) {
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
      ->type_name("PATH[:SIZE]");
  add_repeated(
      app, "--artifact", options.artifacts,
      [](const std::string& text) { return split_at(text, ':', "PATH:DESTINATION"); },
      "A file or directory that the command makes in /workspace, copied to the host when "
      "it has ended; the destination must not exist")
      ->type_name("PATH:DESTINATION");
}

void add_exec_environment(CLI::App* app, ExecOptions& options) {
  add_repeated(
      app, "--env,-e", options.environment,
      [](const std::string& text) { return split_name(text, "NAME=VALUE or NAME"); },
      "A variable of the command's environment; without a value, the one it has here")
      ->type_name("NAME[=VALUE]");
  add_repeated(app, "--env-file", options.environment_files,
               "Variables of the command's environment, a NAME=VALUE or NAME each line; "
               "--env has the last word")
      ->type_name("FILE");
}

}  // namespace

void add_exec(CommandSet& commands) {
  auto [app, options] = commands.add<ExecOptions>("exec", "Run one command in a sandbox");
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
  app->add_option("--user", options.user,
                  "Who runs it, each a number or a name in the image (default: the image's)")
      ->type_name("USER[:GROUP]");
  app->add_option("--workdir", options.workdir, "Working directory (default: the image's)")
      ->type_name("PATH");
  add_limits(app, options.limits);
  add_repeated(app, "--ulimit", options.ulimits,
               "A resource limit of each process, such as stack=16777216, by its name in "
               "getrlimit(2)")
      ->type_name("NAME=SOFT[:HARD]");
  app->add_option("--timeout", options.timeout, "Wall time limit, such as 90s or 10m")
      ->type_name("DURATION");
  add_repeated(app, "--network", options.network,
               "What the sandbox can reach: HOST:PORT through a proxy (repeat it for more), "
               "nat for all that is "
               "public, host for all (default: none)")
      ->type_name("none|HOST:PORT|nat|host");
  app->add_option("--seccomp", options.seccomp_profile,
                  "An OCI or Docker profile in JSON instead of the default system call filter")
      ->type_name("FILE");
  app->add_option("--hostname", options.hostname, "Host name (default: stagebox)")
      ->type_name("NAME");
  app->add_flag("--read-only", options.read_only,
                "Files can be written in /tmp, /workspace and /dev/shm only");
  add_repeated(app, "--capability", options.capabilities,
               "A capability to keep, such as CHOWN; of the sandbox's own user namespace only")
      ->type_name("NAME");
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

void add_shell(CommandSet& commands) {
  auto [app, options] = commands.add<ShellOptions>(
      "shell", "Open a shell in a stage that has ended, with its files and its sandbox");
  app->add_option("RUN", options.run, "Its id, or `last`")->required();
  app->add_option("STAGE", options.stage, "Which stage")->required();
  app->add_flag("--fresh", options.fresh,
                "Begin with the stage's inputs, not with what it left in its workspace");
  add_asked_secrets(app, options.secrets,
                    "A secret that the stage declares (default: none); the policy's without a "
                    "source");
  app->add_flag("--tty,-t", options.tty,
                "Give the command a terminal, also when this is none (default: when this is one)");
  app->add_flag("--json", options.json_report, "Print the exit report as JSON on standard error");
  app->add_option("COMMAND", options.command,
                  "The command and its arguments, after -- (default: /bin/sh)");
}

}  // namespace stagebox::cli
