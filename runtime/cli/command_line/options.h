// Options: the command line as plain values. Nothing here does any of what is asked for.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/trust_domain.h"

namespace stagebox::cli {

enum class OutputFormat { kText, kJson };
enum class GraphFormat { kText, kDot, kMermaid, kJson };
enum class Shell { kBash, kZsh, kFish };
enum class OnFailure { kKeepGoing, kFailFast };

inline constexpr char kDefaultPipeline[] = "stagebox.yaml";
/// No stage can be called so.
inline constexpr char kEveryStage[] = "*";

/// --trust, --domain and --policy.
struct TrustOptions {
  std::optional<base::Trust> trust;   ///< Not given: untrusted with a domain, else trusted.
  std::optional<std::string> domain;  ///< Of untrusted runs.
  std::optional<std::string> policy;  ///< A file; absolute when it is kept with a run.
};
struct PipelineOptions {
  std::string file = kDefaultPipeline;
  std::vector<std::pair<std::string, std::string>> params;  ///< --param K=V
};
/// How a run is shown to people. kAuto: live on a terminal.
enum class Display { kAuto, kPlain, kLive };
/// Who is told of a run, and how: files that are written while it goes on, and a directory for a
/// page that is written at its end. Empty: none.
struct ReportOptions {
  Display display = Display::kAuto;
  std::string events;
  std::string trace;
  std::string page;
};
struct RunOptions {
  PipelineOptions pipeline;
  TrustOptions trust;
  std::vector<std::pair<std::string, std::string>> secrets;  ///< --secret NAME=SOURCE
  std::optional<std::string> project;                        ///< Whose pipeline it is.
  std::vector<std::string> stages;                           ///< Empty: all.
  std::size_t jobs = 0;  ///< 0: as many as this machine has processors.
  OnFailure on_failure = OnFailure::kKeepGoing;
  std::optional<std::string> timeout;  ///< Of the whole run; else the file's.
  std::vector<std::string> no_cache;  ///< --no-cache: these stages run; kEveryStage stands for all.
  bool explain_syscalls = false;      ///< Names in exit reports what the filter denied.
  bool dry_run = false;
  OutputFormat format = OutputFormat::kText;
  ReportOptions reports;
};
struct ResumeOptions {
  std::string run;
  std::vector<std::pair<std::string, std::string>> secrets;  ///< As above: none is kept.
  std::size_t jobs = 0;                                      ///< As above.
  OutputFormat format = OutputFormat::kText;
  ReportOptions reports;
};
struct CancelOptions {
  std::string run;
};
struct CheckOptions {
  PipelineOptions pipeline;
  OutputFormat format = OutputFormat::kText;
};
struct GraphOptions {
  PipelineOptions pipeline;
  GraphFormat format = GraphFormat::kText;
};
struct ExecMount {
  enum class Mode { kReadOnly, kOverlay };
  std::string source;
  std::string target;
  Mode mode = Mode::kReadOnly;
};
struct ExecOptions {
  TrustOptions trust;                ///< Without a domain: nothing is kept.
  std::string image;                 ///< A file or directory, or the name of an imported image.
  std::string digest;                ///< Anything else is refused; empty: none.
  std::vector<std::string> command;  ///< Empty: the image's.
  std::vector<ExecMount> mounts;
  std::vector<std::pair<std::string, std::string>> tmpfs;  ///< Path and size, which may be empty.
  std::vector<std::string> environment_files;
  /// Without a value: the one of Stagebox's own environment.
  std::vector<std::pair<std::string, std::optional<std::string>>> environment;
  /// NAME=SOURCE, or NAME alone, with an empty source: the policy's.
  std::vector<std::pair<std::string, std::string>> secrets;
  std::string user;     ///< Empty: the image's.
  std::string workdir;  ///< Empty: the image's.
  /// By the name of the limit in a pipeline file ("cpus", "io_read"); see exec_limits.h.
  std::map<std::string, std::string> limits;
  std::vector<std::string> ulimits;  ///< NAME=SOFT[:HARD]
  std::optional<std::string> timeout;
  std::vector<std::string> network;  ///< Rules as NetworkRule reads them, or "none".
  std::string seccomp_profile;       ///< A JSON file; empty: the default filter.
  bool explain_syscalls = false;     ///< Names in the report what the filter denied.
  std::string hostname;              ///< Empty: the default.
  bool read_only = false;            ///< Nothing outside of mounts, /tmp and the workspace changes.
  std::vector<std::string> capabilities;  ///< Kept, inside the user namespace.
  /// Paths in the workspace, and what of the host they become.
  std::vector<std::pair<std::string, std::string>> artifacts;
  bool tty = false;          ///< A terminal of the sandbox's own as standard streams.
  bool json_report = false;  ///< The exit report, as JSON on stderr.
};
struct ShellOptions {
  std::string run;
  std::string stage;
  std::vector<std::string> command;  ///< Empty: /bin/sh.
  /// NAME=SOURCE, or NAME alone, with an empty source: the policy's.
  std::vector<std::pair<std::string, std::string>> secrets;
  bool fresh = false;        ///< With the stage's inputs, and nothing of what it left.
  bool tty = false;          ///< Also where standard input or output is no terminal.
  bool json_report = false;  ///< The exit report, as JSON on stderr.
};
struct ImageImportOptions {
  std::string source;  ///< A path, "-" for standard input, or ARCHIVE:REFERENCE.
  std::string name;
  std::string digest;
  std::string reference;
  std::string platform;  ///< Empty: this machine's.
  bool is_rootfs = false;
  bool squash_ids = false;  ///< Files of ids that are not mapped become nobody's.
  OutputFormat format = OutputFormat::kText;
};
struct ImageListOptions {
  OutputFormat format = OutputFormat::kText;
};
struct ImageInspectOptions {
  std::string image;
  OutputFormat format = OutputFormat::kText;
};
struct ImageVerifyOptions {
  std::vector<std::string> images;  ///< Empty: all.
  std::string repair_from;          ///< An archive of the one image; empty: only look.
  OutputFormat format = OutputFormat::kText;
};
struct ImageExportOptions {
  std::string image;
  std::string destination;  ///< "-": standard output.
  bool is_docker = false;   ///< A docker-archive instead of an OCI archive.
  OutputFormat format = OutputFormat::kText;
};
struct ImageRemoveOptions {
  std::vector<std::string> images;
  OutputFormat format = OutputFormat::kText;
};
struct RunsOptions {
  std::size_t limit = 50;  ///< Only so many, the newest; 0: all.
  OutputFormat format = OutputFormat::kText;
};
struct ShowOptions {
  std::string run;
  std::string stage;     ///< Empty: all, without their attempts.
  bool summary = false;  ///< Instead what stages say of themselves.
  OutputFormat format = OutputFormat::kText;
};
struct LogsOptions {
  enum class Streams { kBoth, kStdout, kStderr };
  std::string run;
  std::string stage;        ///< Empty: of all stages.
  std::size_t attempt = 0;  ///< 0: the last one.
  Streams streams = Streams::kBoth;
  bool follow = false;              ///< Until the stage, or the run, is over.
  std::string since;                ///< A time or a duration; empty: from the beginning.
  std::string until;                ///< The same; empty: to the end.
  std::string grep;                 ///< An extended regular expression; empty: all lines.
  std::optional<std::size_t> tail;  ///< So many lines, the last ones.
  bool timestamps = false;
  bool raw = false;          ///< The very bytes.
  bool annotations = false;  ///< Instead of lines.
  OutputFormat format = OutputFormat::kText;
};
struct TestsOptions {
  std::string run;
  std::string stage;      ///< Empty: all that have tests.
  bool failed = false;    ///< Of what is listed only those that failed.
  bool flaky = false;     ///< Those with both results for one stage key, in any of the last runs.
  bool fresh = false;     ///< Those that failed and did not before (--new).
  bool fixed = false;     ///< Those that passed and failed before.
  bool details = false;   ///< Of cases that failed, all that was said of them.
  bool coverage = false;  ///< Instead of test cases, what they covered.
  /// The cases that took longest, so many of each stage; 0: not by duration.
  std::size_t slowest = 0;
  OutputFormat format = OutputFormat::kText;
};
struct ArtifactsOptions {
  std::string run;
  std::string output;              ///< stage.output; empty: list.
  std::string destination;         ///< Where to put it; "-": standard output.
  std::optional<std::string> all;  ///< The directory to make of all outputs.
  bool is_tar = false;             ///< As a tar archive.
  bool provenance = false;         ///< Print what it was made from instead.
  OutputFormat format = OutputFormat::kText;
};
struct ExplainOptions {
  std::string run;
  std::string stage;
  OutputFormat format = OutputFormat::kText;
};
struct DoctorOptions {
  OutputFormat format = OutputFormat::kText;
};
struct GcOptions {
  std::string keep = "168h";             ///< What was used within this time stays.
  std::string keep_workspaces = "48h";   ///< Those of failed stages.
  std::optional<std::size_t> keep_runs;  ///< Only so many of the newest runs stay.
  std::string max_size;                  ///< Of stored content; empty: any.
  std::string max_image_size;            ///< Of images' layers; empty: any.
  bool verify = false;                   ///< Read all stored content.
  OutputFormat format = OutputFormat::kText;
};
struct CacheListOptions {
  OutputFormat format = OutputFormat::kText;
};
struct CacheRemoveOptions {
  std::vector<std::int64_t> ids;
  std::string domain;  ///< All of this untrusted domain; empty: none.
  bool all = false;
  OutputFormat format = OutputFormat::kText;
};
struct PinOptions {
  std::string run;
  bool pinned = true;  ///< false: not any more
};
struct CompletionOptions {
  Shell shell = Shell::kBash;
};
/// Names alone, one on a line.
struct NamesOptions {
  enum class Kind { kRuns, kStages, kOutputs, kImages, kPipelineStages };
  Kind kind = Kind::kRuns;
  std::string of;  ///< Stages and outputs: a run; stages of a pipeline: its file, if not empty.
};
struct ManualOptions {
  std::vector<std::string> command;  ///< Empty: of `stagebox`.
  bool list = false;                 ///< Print which pages there are.
};
/// --help or --version: what to print, and nothing else to do.
struct PrintAndExit {
  std::string text;
};

using Options =
    std::variant<PrintAndExit, RunOptions, CheckOptions, GraphOptions, ExecOptions,
                 ImageImportOptions, ImageListOptions, ImageInspectOptions, ImageVerifyOptions,
                 ImageExportOptions, ImageRemoveOptions, ResumeOptions, CancelOptions, RunsOptions,
                 ShowOptions, LogsOptions, ArtifactsOptions, ExplainOptions, DoctorOptions,
                 GcOptions, PinOptions, CompletionOptions, ManualOptions, CacheListOptions,
                 CacheRemoveOptions, TestsOptions, ShellOptions, NamesOptions>;

/// kInvalid with a usage hint for anything that is not understood.
base::Result<Options> parse_options(int argc, const char* const* argv);

}  // namespace stagebox::cli
