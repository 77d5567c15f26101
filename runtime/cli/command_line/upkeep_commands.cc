#include "runtime/base/parse_number.h"
#include "runtime/base/printable.h"
#include "runtime/cli/command_line/command_groups.h"
#include "runtime/cli/command_line/command_set.h"
#include "runtime/cli/command_line/options.h"
#include "runtime/cli/command_line/shared_options.h"

namespace stagebox::cli {
namespace {

CLI::Validator number_of_a_saved_cache() {
  const auto check = [](const std::string& text) -> std::string {
    if (base::parse_number<std::int64_t>(text)) return "";
    return base::printable(text) + " is no number; `stagebox cache list` begins each line with one";
  };
  return CLI::Validator(check, "");
}

}  // namespace

void add_maintenance(CommandSet& commands) {
  auto [doctor, doctor_options] =
      commands.add<DoctorOptions>("doctor", "Show what this machine lets Stagebox enforce");
  add_json(doctor, doctor_options.format);
  auto [gc, gc_options] = commands.add<GcOptions>(
      "gc", "Remove what nothing needs any more, and what a killed Stagebox left");
  gc->add_option("--keep", gc_options.keep, "What was used within this time stays")
      ->capture_default_str()
      ->type_name("DURATION");
  gc->add_option("--keep-workspaces", gc_options.keep_workspaces,
                 "What stages that failed within this time left stays, for `stagebox shell`")
      ->capture_default_str()
      ->type_name("DURATION");
  gc->add_option("--keep-runs", gc_options.keep_runs, "Only so many of the newest runs stay")
      ->check(whole_number(0))
      ->type_name("N");
  gc->add_option("--max-size", gc_options.max_size,
                 "Of stored content, such as 20GiB: what was used longest ago goes first, that of "
                 "untrusted domains before the rest; logs are not counted: --keep and --keep-runs "
                 "bound them")
      ->type_name("SIZE");
  gc->add_option("--max-image-size", gc_options.max_image_size,
                 "Of the layers of all images; images with a name stay")
      ->type_name("SIZE");
  gc->add_flag("--verify", gc_options.verify,
               "First read all stored content, and remove what the disk has damaged");
  add_json(gc, gc_options.format);
  auto [pin, pin_options] =
      commands.add<PinOptions>("pin", "Keep a run and its outputs until it is unpinned");
  pin->add_option("RUN", pin_options.run, "Its id, or `last`")->required();
  auto [unpin, unpin_options] = commands.add<PinOptions>("unpin", "Let gc forget a run again");
  unpin->add_option("RUN", unpin_options.run, "Its id, or `last`")->required();
  unpin_options.pinned = false;
}

void add_cache(CommandSet& commands) {
  CLI::App* cache = commands.add_group("cache", "List or remove what stages saved of their caches");
  auto [list, list_options] = commands.add<CacheListOptions>(
      cache, "list", "List the saved caches, the one used last first");
  add_json(list, list_options.format);
  auto [remove, remove_options] =
      commands.add<CacheRemoveOptions>(cache, "remove", "Forget saved caches");
  auto* ids = remove->add_option("ID", remove_options.ids, "Numbers of `cache list`")
                  ->check(number_of_a_saved_cache());
  auto* domain =
      remove->add_option("--domain", remove_options.domain, "All of this untrusted domain")
          ->type_name("NAME");
  remove->add_flag("--all", remove_options.all, "All of them")->excludes(ids)->excludes(domain);
  add_json(remove, remove_options.format);
}

void add_shell_support(CommandSet& commands) {
  auto [completion, completion_options] = commands.add<CompletionOptions>(
      "completion", "Print a script that completes commands in a shell");
  completion->add_option("SHELL", completion_options.shell, "bash, zsh or fish")
      ->required()
      ->transform(
          one_of<Shell>({{"bash", Shell::kBash}, {"zsh", Shell::kZsh}, {"fish", Shell::kFish}}))
      ->type_name("bash|zsh|fish");
  auto [manual, manual_options] = commands.add<ManualOptions>(
      "manual", "Print a manual page; to read it: stagebox manual run | man -l -");
  manual->add_option("COMMAND", manual_options.command,
                     "Of this command, such as `run` or `image import` (default: of all)");
  manual->add_flag("--list", manual_options.list, "Print which pages there are, one on a line");
  using Kind = NamesOptions::Kind;
  auto [names, names_options] = commands.add<NamesOptions>(
      "names", "Print names alone, one on a line, for completions and scripts");
  names->add_option("KIND", names_options.kind, "runs, stages, outputs, images or pipeline-stages")
      ->required()
      ->transform(one_of<Kind>({{"runs", Kind::kRuns},
                                {"stages", Kind::kStages},
                                {"outputs", Kind::kOutputs},
                                {"images", Kind::kImages},
                                {"pipeline-stages", Kind::kPipelineStages}}))
      ->type_name("runs|stages|outputs|images|pipeline-stages");
  names->add_option("OF", names_options.of,
                    "Stages and outputs: of which run, its id or `last`; pipeline-stages: of which "
                    "pipeline file (default: stagebox.yaml)");
}

}  // namespace stagebox::cli
