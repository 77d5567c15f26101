#include "runtime/cli/command_line/command_groups.h"
#include "runtime/cli/command_line/command_set.h"
#include "runtime/cli/command_line/options.h"
#include "runtime/cli/command_line/shared_options.h"

namespace stagebox::cli {
namespace {

// Which lines.
void add_log_choices(CLI::App* logs, LogsOptions& options) {
  using Streams = LogsOptions::Streams;
  logs->add_option("--stream", options.streams, "Only one of the two")
      ->transform(one_of<Streams>({{"stdout", Streams::kStdout}, {"stderr", Streams::kStderr}}))
      ->type_name("stdout|stderr");
  logs->add_flag("-f,--follow", options.follow, "Go on until the stage, or the run, is over");
  logs->add_option("--since", options.since,
                   "Only what came then or later: 10m or 1d (ago), or a time")
      ->type_name("TIME");
  logs->add_option("--until", options.until, "Only what came before: 10m or 1d (ago), or a time")
      ->type_name("TIME");
  logs->add_option("--grep", options.grep, "Only lines that match it, without their colours")
      ->type_name("REGEX");
  logs->add_option("--tail", options.tail, "Only the last N lines")
      ->check(whole_number(0))
      ->type_name("N");
}

// How they are shown.
void add_log_forms(CLI::App* logs, LogsOptions& options) {
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

void add_tests(CommandSet& commands) {
  auto [tests, options] = commands.add<TestsOptions>("tests", "Show what became of a run's tests");
  tests->add_option("RUN", options.run, "Its id, or `last`")->required();
  tests->add_option("STAGE", options.stage, "Only this stage");
  tests->add_flag("--failed", options.failed, "Only test cases that failed");
  tests->add_flag("--flaky", options.flaky,
                  "Test cases that passed and failed with the same stage key, in this run and "
                  "those before");
  auto* fresh =
      tests->add_flag("--new", options.fresh, "Test cases that failed and did not the time before");
  tests->add_flag("--fixed", options.fixed, "Test cases that passed and failed the time before")
      ->excludes(fresh);
  tests->add_option("--slowest", options.slowest, "The test cases that took longest")
      ->check(whole_number(1))
      ->type_name("N");
  auto* details =
      tests->add_flag("--details", options.details,
                      "Below each test case that failed, what its runner said besides the message");
  details->excludes(tests->get_option("--flaky"));
  auto* coverage = tests->add_flag(
      "--coverage", options.coverage,
      "Which lines the tests executed, in all and by file, beside the last trusted run");
  for (const char* other : {"--failed", "--flaky", "--new", "--fixed", "--slowest", "--details"})
    coverage->excludes(tests->get_option(other));
  add_json(tests, options.format);
}

}  // namespace

void add_history(CommandSet& commands) {
  auto [runs, runs_options] = commands.add<RunsOptions>("runs", "List the runs");
  runs->add_option("--limit", runs_options.limit, "Only so many, the newest; 0 for all")
      ->capture_default_str()
      ->check(whole_number(0))
      ->type_name("N");
  add_json(runs, runs_options.format);
  auto [show, show_options] = commands.add<ShowOptions>("show", "Show a run");
  show->add_option("RUN", show_options.run, "Its id, or `last`")->required();
  show->add_option("STAGE", show_options.stage, "Only this stage, with each of its attempts");
  show->add_flag("--summary", show_options.summary,
                 "What stages wrote as their `summary`, in Markdown");
  add_json(show, show_options.format);
  auto [logs, logs_options] = commands.add<LogsOptions>("logs", "Print what a stage wrote");
  logs->add_option("RUN", logs_options.run, "Its id, or `last`")->required();
  auto* stage = logs->add_option("STAGE", logs_options.stage, "Which stage (default: all)");
  logs->add_option("--attempt", logs_options.attempt, "Which attempt, from 1 (default: the last)")
      ->check(whole_number(1))
      ->type_name("N")
      ->needs(stage);
  add_log_choices(logs, logs_options);
  add_log_forms(logs, logs_options);
  add_tests(commands);
  auto [artifacts, artifact_options] =
      commands.add<ArtifactsOptions>("artifacts", "List a run's outputs, or copy them");
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
  artifacts
      ->add_option("--all", artifact_options.all,
                   "Copy all of them into a new directory, each under its name")
      ->type_name("DIR")
      ->excludes(output);
  add_json(artifacts, artifact_options.format);
}

void add_explain(CommandSet& commands) {
  auto [explain, options] = commands.add<ExplainOptions>(
      "explain", "Say why a stage ran, or why it was taken from an earlier run");
  explain->add_option("RUN", options.run, "Its id, or `last`")->required();
  explain->add_option("STAGE", options.stage, "Which stage")->required();
  add_json(explain, options.format);
}

}  // namespace stagebox::cli
