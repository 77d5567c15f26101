// Pipeline: what a pipeline file means, as plain data without any YAML left. A Pipeline that
// parse_pipeline() returned is valid: names resolve, paths stay inside, the graph has no cycle.
// Nothing in here has been looked up on the disk.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "runtime/base/digest.h"
#include "runtime/base/network_rule.h"
#include "runtime/base/relative_path.h"
#include "scheduler/allow_failure.h"
#include "scheduler/position.h"
#include "scheduler/retry.h"

namespace stagebox::scheduler {

/// A value of the file's `params`, after `--param`.
struct Param {
  std::string name;
  std::string value;
};

/// An OCI archive, docker-archive or OCI layout, below the pipeline file's directory.
struct TarballImage {
  base::RelativePath path;
};
/// An image that is in the store already.
struct StoredImage {
  std::string name;
};

struct Image {
  std::string name;  ///< As the stages call it.
  Position position;
  std::variant<TarballImage, StoredImage> source;
  std::optional<base::Digest> digest;  ///< Anything else is refused.
};

/// A file or directory of the host, below the pipeline file's directory. "." is that directory.
struct HostPath {
  base::RelativePath path;
  std::vector<std::string> exclude;       ///< As PathPatterns reads them, without mistakes.
  std::vector<std::string> include = {};  ///< The same; empty: everything.
  bool gitignore = false;                 ///< What .gitignore files name is left out.
};
/// An output of another stage: a data edge.
struct FromOutput {
  std::string stage;
  std::string output;
  Position position = {};
};

enum class InputMode {
  kReadOnly,
  kOverlay,  ///< A private copy-on-write view.
};

struct Input {
  base::RelativePath at;  ///< Its name: where it is in the workspace. Never ".".
  Position position;
  std::variant<HostPath, FromOutput> source;
  InputMode mode = InputMode::kReadOnly;
};

/// Of a stage: what those that it needs must have done (see SchedulerState). Of an output: how its
/// stage must have ended for it to be kept.
enum class When { kSuccess, kFailure, kAlways };

enum class OutputType { kFile, kDirectory };

struct Output {
  std::string name;
  Position position;
  base::RelativePath path;                ///< In the workspace. Never ".".
  std::optional<OutputType> type;         ///< Without: either.
  std::optional<std::uint64_t> max_size;  ///< Bytes.
  When when = When::kSuccess;

  /// Whether it must exist when the stage has succeeded, and is part of its result.
  [[nodiscard]] bool is_result() const { return when != When::kFailure; }
  /// Whether it is kept of a stage that failed, when it is there.
  [[nodiscard]] bool is_left_by_failure() const { return when != When::kSuccess; }
};

/// What is not given is for the runner's defaults and the policy to decide.
struct Resources {
  std::optional<double> cpus;  ///< CPU seconds per second.
  Position cpus_position;
  std::optional<std::uint64_t> cpu_weight;  ///< 1 to 10,000; others have 100.
  std::optional<std::string> cpuset;        ///< Processors, as parse_processor_list() reads them.
  Position cpuset_position;
  std::optional<std::uint64_t> memory;  ///< Bytes.
  Position memory_position;
  std::optional<std::uint64_t> shm_size;  ///< Bytes of /dev/shm; not more than `memory`.
  Position shm_size_position;
  std::optional<std::uint64_t> pids;  ///< Processes and threads.
  std::optional<std::uint64_t> disk;  ///< Bytes.
  Position disk_position;
  std::optional<std::uint64_t> inodes;      ///< Files and directories.
  std::optional<std::uint64_t> io_read;     ///< Bytes a second.
  std::optional<std::uint64_t> io_write;    ///< Bytes a second.
  std::optional<std::uint64_t> open_files;  ///< Of one process.
  Position open_files_position;
  std::optional<std::chrono::milliseconds> cpu_time;
  std::optional<std::uint64_t> log;      ///< Bytes.
  std::optional<std::uint64_t> outputs;  ///< Files in all outputs; see run/output_capture.h.
};

/// For the stage's shell. It contains no expression's value: those are in the environment.
struct Script {
  std::string text;
};
/// Executed without a shell.
struct Argv {
  std::vector<std::string> arguments;  ///< Never empty.
};

/// The USER of the image.
struct ImageUser {};
struct NumericUser {
  std::uint32_t uid = 0;
  std::optional<std::uint32_t> gid;
};
/// To be looked up in the image: a user and perhaps, after a colon, a group, of which each is a
/// name or a number, at least one a name.
struct NamedUser {
  std::string name;
};
using User = std::variant<ImageUser, NumericUser, NamedUser>;

/// An edge without data.
struct Need {
  std::string stage;
  Position position;
};

enum class CachePolicy { kAuto, kNever, kAlways };

/// What a stage may reach besides itself.
struct Network {
  enum class Mode {
    kNone,
    kAllow,  ///< What `allow` names, through a proxy.
    kNat,    ///< Everything public, through address translation.
    kHost,   ///< Everything, as the machine itself: no network namespace.
  } mode = Mode::kNone;
  std::vector<base::NetworkRule> allow;  ///< kAllow: not empty, sorted by their texts, each once.

  [[nodiscard]] bool is_none() const { return mode == Mode::kNone; }
  /// For the stage key: "none", "nat", "host", or "allow" and the rules; equal policies have equal
  /// texts.
  [[nodiscard]] std::string text() const;
};

/// A secret that a stage declares: the file /run/secrets/NAME.
struct StageSecret {
  std::string name;
  std::optional<std::string> env;  ///< The variable that has it too; only on request.
  Position position = {};
};

/// A piece of a cache's key: text, or `hash`, which stands for the hash of what the patterns match
/// among the stage's inputs (run/cache_key.h).
struct KeyPart {
  std::string text;               ///< With the values of its expressions.
  std::vector<std::string> hash;  ///< As PathPatterns reads them, without mistakes; empty: none.
  bool operator==(const KeyPart&) const = default;
};
using CacheKey = std::vector<KeyPart>;

/// After which ends of the stage a cache is saved.
enum class CacheSave {
  kSuccess,
  kAlways,  ///< Also when it failed by its own doing.
  kNever,   ///< It is only restored.
};

/// A directory that is kept from one run to a later one.
struct Cache {
  base::RelativePath path;  ///< In the workspace. Never ".".
  Position position;
  CacheKey key;                           ///< Never empty.
  std::vector<CacheKey> restore;          ///< Beginnings of keys to be content with; in order.
  std::optional<std::uint64_t> max_size;  ///< Bytes; more are not saved.
  CacheSave save = CacheSave::kSuccess;
};

/// When a service counts as ready: the stage starts when all of its services are.
struct ServiceReady {
  /// Nothing: as soon as it runs. A command: when it exits with 0 in the service's sandbox. A port:
  /// when something accepts connections to it on 127.0.0.1.
  std::variant<std::monostate, Argv, std::uint16_t> check;
  /// A service that is not ready by then fails the stage. None: for the runner to decide.
  std::optional<std::chrono::milliseconds> timeout;
  /// At most between two checks; one costs some milliseconds.
  std::chrono::milliseconds interval{250};
};

/// A program beside the stage, in a sandbox of its own that shares the stage's network namespace
/// and nothing else: there while the stage runs, and a new one for each attempt.
struct Service {
  std::string name;  ///< Also a name of 127.0.0.1 for the stage and its services.
  Position position;
  std::string image;  ///< Names one of Pipeline::images.
  Position image_position;
  std::map<std::string, std::string> env;
  std::optional<Argv> run;  ///< None: what the image says.
  User user;
  Resources resources;
  std::vector<StageSecret> secrets;  ///< Sorted by their names, each once.
  ServiceReady ready;
};

enum class ReportFormat {
  kJunit,
  kTap,
  kCobertura,  ///< Of coverage, as kLcov.
  kLcov,
  kMarkdown,  ///< Of a summary.
};

/// Where a stage writes what became of its tests, what they covered, or what it has to say.
struct DeclaredReports {
  ReportFormat format = ReportFormat::kJunit;
  /// Of paths in the workspace, as PathPatterns reads it with a slash before it. Never ".".
  base::RelativePath pattern;
  bool required = true;  ///< A stage that succeeds without such a file has failed.
  Position position = {};

  /// The directory, or without a wildcard the file, that the pattern names before it matches
  /// anything.
  [[nodiscard]] base::RelativePath fixed_part() const;
  /// The format and the pattern, "junit r/*.xml"; for messages and the stage key.
  [[nodiscard]] std::string text() const;
  /// "test report", "coverage report" or "summary".
  [[nodiscard]] std::string_view noun() const;
};

struct Stage {
  std::string id;    ///< With the values of its matrix: "test[small]".
  std::string name;  ///< As it stands in the file: "test".
  std::vector<std::pair<std::string, std::string>> matrix;  ///< Its values, in the file's order.
  /// False when its matrix is wrong (reported): it then stands for all that the matrix may mean.
  bool variants_known = true;
  bool condition = true;  ///< What its `if` came to. False: it is skipped.
  Position position;
  std::string image;  ///< Names one of Pipeline::images.
  Position image_position;
  std::vector<Input> inputs;
  std::map<std::string, std::string> env;
  std::variant<Script, Argv> run;
  std::vector<Output> outputs;  ///< See also find_output(), results() and left_by_failure().
  std::vector<Need> needs;
  Resources resources;
  std::optional<std::chrono::milliseconds> timeout;
  AllowFailure allow_failure;
  Retry retry;
  /// Names: of the stages of a run that have one in common, one runs at a time. Sorted, each once.
  std::vector<std::string> mutex;
  /// Those of them that hold across runs: of all runs on one state directory. Sorted, each once.
  std::vector<std::string> mutex_across_runs;
  When when = When::kSuccess;
  Position when_position;
  bool jobserver = false;      ///< Offers it the run's free slots; see JobTokens.
  base::RelativePath workdir;  ///< In the workspace; "." by default.
  std::vector<std::string> shell{"/bin/sh", "-eu"};
  User user;
  Network network;
  std::vector<StageSecret> secrets;  ///< Sorted by their names, each once.
  std::vector<Cache> caches;
  std::vector<Service> services;  ///< In the order of the file.
  std::vector<DeclaredReports> tests;
  std::vector<DeclaredReports> coverage;
  std::vector<DeclaredReports> summary;  ///< At most one, which is not required.
  /// Test cases whose failure is no failure of the stage: patterns (name_pattern.h) of their full
  /// names. Not in the stage key: what passed only because of it is not kept.
  std::vector<std::string> quarantine;
  /// Bits of capabilities(7), of its own user namespace; for programs that run as root there.
  std::uint64_t capabilities = 0;
  CachePolicy cache = CachePolicy::kAuto;
  std::optional<std::chrono::milliseconds> cache_ttl;  ///< An older result is not reused.
  std::string salt;  ///< Part of the stage key and nothing else; empty: none.

  [[nodiscard]] const Output* find_output(std::string_view output_name) const;
  /// Of its outputs those that it must have made when it has succeeded.
  [[nodiscard]] std::vector<Output> results() const;
  /// Those that are kept when it has failed, as far as they are there.
  [[nodiscard]] std::vector<Output> left_by_failure() const;
  /// Of the stage and its services: names of images and secrets, each once, and what is declared
  /// of processors and bytes of memory, together.
  [[nodiscard]] std::set<std::string> image_names() const;
  [[nodiscard]] std::set<std::string> secret_names() const;
  [[nodiscard]] double all_cpus() const;
  [[nodiscard]] std::uint64_t all_memory() const;
};

/// Between the name of a project, which only the runner gives, and that of its pipeline, which has
/// none of these.
inline constexpr std::string_view kProjectSeparator = "::";

struct Pipeline {
  std::string name;  ///< May be empty.
  std::vector<Param> params;
  std::vector<Image> images;
  std::vector<Stage> stages;                         ///< In the order of the file.
  std::optional<std::chrono::milliseconds> timeout;  ///< Of a whole run.

  [[nodiscard]] const Image* find_image(std::string_view image_name) const;
  [[nodiscard]] const Stage* find_stage(std::string_view id) const;
};

std::string_view to_string(ReportFormat format);
std::string_view to_string(InputMode mode);
std::string_view to_string(OutputType type);
std::string_view to_string(When when);
std::string_view to_string(CachePolicy policy);

}  // namespace stagebox::scheduler
