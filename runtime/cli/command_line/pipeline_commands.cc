#include "runtime/cli/command_line/command_groups.h"
#include "runtime/cli/command_line/command_set.h"
#include "runtime/cli/command_line/options.h"
#include "runtime/cli/command_line/shared_options.h"

namespace stagebox::cli {
namespace {

void add_display(CLI::App* app, RunOptions& options) {
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

}  // namespace

void add_run(CommandSet& commands) {
  auto [app, options] = commands.add<RunOptions>("run", "Run a pipeline");
  add_pipeline(app, options.pipeline);
  add_trust(app, options.trust);
  app->add_option("--domain", options.trust.domain,
                  "Implies --trust untrusted: results are shared with runs of this domain only "
                  "(default: with no other run)")
      ->type_name("NAME");
  app->add_option("--project", options.project,
                  "Whose pipeline it is: caches, coverage, history and durations are those of the "
                  "project's pipeline of this name (default: of any of this name)")
      ->type_name("NAME");
  add_secrets(app, options.secrets);
  add_repeated(app, "--stage", options.stages, "Only this stage and what it needs")
      ->type_name("STAGE");
  add_jobs(app, options.jobs, "processors");
  auto* on_failure = &options.on_failure;
  auto* keep = app->add_flag_callback(
      "--keep-going", [on_failure] { *on_failure = OnFailure::kKeepGoing; },
      "After a failure go on with what does not depend on it (default)");
  app->add_flag_callback(
         "--fail-fast", [on_failure] { *on_failure = OnFailure::kFailFast; },
         "After a failure start nothing new")
      ->excludes(keep);
  app->add_option("--timeout", options.timeout,
                  "Cancel what has not ended after this time, such as 1h; the run has failed then")
      ->type_name("DURATION");
  app->add_flag("--no-cache{" + std::string(kEveryStage) + "}", options.no_cache,
                "Run every stage, or with --no-cache=STAGE this one, whatever the stage cache has")
      ->type_name("STAGE")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app->add_flag("--explain-syscalls", options.explain_syscalls,
                "Name the system calls of stages that the filter denied");
  app->add_flag("--dry-run", options.dry_run, "Show what would run, in which order");
  add_display(app, options);
  add_reports(app, options.reports);
}

void add_resume_and_cancel(CommandSet& commands) {
  auto [resume, resume_options] = commands.add<ResumeOptions>(
      "resume", "Go on with a run that was interrupted; what it finished is not done again");
  resume->add_option("RUN", resume_options.run, "Its id, or `last`")->required();
  add_secrets(resume, resume_options.secrets);
  add_jobs(resume, resume_options.jobs, "as the run was begun");
  add_json(resume, resume_options.format);
  add_reports(resume, resume_options.reports);
  auto [cancel, cancel_options] =
      commands.add<CancelOptions>("cancel", "Cancel a run that is going on, and wait for its end");
  cancel->add_option("RUN", cancel_options.run, "Its id, or `last`")->required();
}

void add_check_and_graph(CommandSet& commands) {
  auto [check, check_options] =
      commands.add<CheckOptions>("check", "Validate a pipeline file, without running anything");
  add_pipeline(check, check_options.pipeline);
  add_json(check, check_options.format);
  auto [graph, graph_options] =
      commands.add<GraphOptions>("graph", "Show the stages and what flows between them");
  add_pipeline(graph, graph_options.pipeline);
  graph->add_option("--format", graph_options.format, "text, dot, mermaid or json")
      ->transform(one_of<GraphFormat>({{"text", GraphFormat::kText},
                                       {"dot", GraphFormat::kDot},
                                       {"mermaid", GraphFormat::kMermaid},
                                       {"json", GraphFormat::kJson}}))
      ->type_name("text|dot|mermaid|json");
}

}  // namespace stagebox::cli
