#include "scheduler/file/keys.h"

#include <algorithm>
#include <array>
#include <string>

#include "scheduler/nearest_name.h"

namespace stagebox::scheduler {
namespace {

using Name = std::string_view;

constexpr std::array<Name, 7> kPipeline{"stagebox", "name",   "params", "images",
                                        "defaults", "stages", "timeout"};
constexpr std::array<Name, 2> kParam{"default", "choices"};
constexpr std::array<Name, 3> kImage{"tarball", "name", "digest"};
constexpr std::array<Name, 15> kDefaults{
    "image", "env",     "resources",    "timeout", "shell", "user",  "workdir",  "allow_failure",
    "cache", "network", "capabilities", "salt",    "retry", "mutex", "jobserver"};
constexpr std::array<Name, 29> kStage{
    "matrix",   "if",    "image",      "inputs",    "env",           "run",
    "outputs",  "needs", "resources",  "timeout",   "allow_failure", "when",
    "workdir",  "shell", "user",       "network",   "capabilities",  "cache",
    "salt",     "retry", "mutex",      "jobserver", "secrets",       "caches",
    "services", "tests", "quarantine", "coverage",  "summary"};
constexpr std::array<Name, 6> kInput{"path", "exclude", "include", "gitignore", "mode", "from"};
constexpr std::array<Name, 4> kOutput{"path", "type", "max_size", "when"};
constexpr std::array<Name, 14> kResource{
    "cpus",   "cpu_weight", "cpuset",   "memory",     "shm_size", "pids", "disk",
    "inodes", "io_read",    "io_write", "open_files", "cpu_time", "log",  "outputs"};
constexpr std::array<Name, 1> kNetwork{"allow"};
constexpr std::array<Name, 1> kAllowFailure{"exit_codes"};
constexpr std::array<Name, 1> kCache{"ttl"};
constexpr std::array<Name, 5> kCaches{"path", "key", "restore", "max_size", "save"};
constexpr std::array<Name, 2> kMutex{"name", "across"};
constexpr std::array<Name, 2> kSecret{"name", "env"};
constexpr std::array<Name, 3> kTests{"junit", "tap", "required"};
constexpr std::array<Name, 3> kCoverage{"cobertura", "lcov", "required"};
constexpr std::array<Name, 3> kRetry{"attempts", "backoff", "on"};

constexpr std::array<Name, 7> kService{"image",     "run",     "env",  "user",
                                       "resources", "secrets", "ready"};
constexpr std::array<Name, 4> kReady{"run", "tcp", "timeout", "interval"};

constexpr std::array<Name, 14> kNoDefault{"inputs", "run",        "outputs",  "needs",  "when",
                                          "if",     "matrix",     "secrets",  "caches", "services",
                                          "tests",  "quarantine", "coverage", "summary"};

constexpr std::array<ForeignKey, 3> kForeignPipeline{
    {{"jobs", "stages"}, {"version", "stagebox"}, {"tasks", "stages"}}};
constexpr std::array<ForeignKey, 19> kForeignStage{{{"step_summary", "summary"},
                                                    {"job_summary", "summary"},
                                                    {"script", "run"},
                                                    {"resource_group", "mutex"},
                                                    {"concurrency", "mutex"},
                                                    {"retries", "retry"},
                                                    {"scripts", "run"},
                                                    {"command", "run"},
                                                    {"commands", "run"},
                                                    {"cmd", "run"},
                                                    {"steps", "run"},
                                                    {"depends_on", "needs"},
                                                    {"dependencies", "needs"},
                                                    {"environment", "env"},
                                                    {"variables", "env"},
                                                    {"artifacts", "outputs"},
                                                    {"continue-on-error", "allow_failure"},
                                                    {"soft_fail", "allow_failure"},
                                                    {"limits", "resources"}}};
constexpr std::array<ForeignKey, 5> kForeignResource{{{"cpu", "cpus"},
                                                      {"shm", "shm_size"},
                                                      {"processes", "pids"},
                                                      {"files", "inodes"},
                                                      {"nofile", "open_files"}}};
constexpr std::array<ForeignKey, 6> kForeignRetry{{{"max", "attempts"},
                                                   {"limit", "attempts"},
                                                   {"max_attempts", "attempts"},
                                                   {"when", "on"},
                                                   {"exit_codes", "on"},
                                                   {"delay", "backoff"}}};
constexpr std::array<ForeignKey, 3> kForeignAllowFailure{
    {{"exit_status", "exit_codes"}, {"codes", "exit_codes"}, {"status", "exit_codes"}}};
constexpr std::array<ForeignKey, 3> kForeignMutex{
    {{"group", "name"}, {"key", "name"}, {"scope", "across"}}};
constexpr std::array<ForeignKey, 9> kForeignCache{{{"paths", "path"},
                                                   {"keys", "key"},
                                                   {"restore-keys", "restore"},
                                                   {"restore_keys", "restore"},
                                                   {"fallback_keys", "restore"},
                                                   {"prefix", "restore"},
                                                   {"policy", "save"},
                                                   {"when", "save"},
                                                   {"size", "max_size"}}};
constexpr std::array<ForeignKey, 9> kForeignService{{{"command", "run"},
                                                     {"cmd", "run"},
                                                     {"entrypoint", "run"},
                                                     {"script", "run"},
                                                     {"variables", "env"},
                                                     {"environment", "env"},
                                                     {"healthcheck", "ready"},
                                                     {"health", "ready"},
                                                     {"limits", "resources"}}};
constexpr std::array<Name, 4> kMisplacedService{"alias", "name", "ports", "hostname"};
constexpr Name kMisplacedServiceHint =
    "the key under `services` is the host name, and all ports are there for the stage";
constexpr std::array<ForeignKey, 5> kForeignReady{
    {{"command", "run"}, {"test", "run"}, {"cmd", "run"}, {"port", "tcp"}, {"retries", "timeout"}}};
constexpr std::array<ForeignKey, 3> kForeignTests{
    {{"xml", "junit"}, {"path", "junit"}, {"reports", "junit"}}};
constexpr std::array<ForeignKey, 6> kForeignCoverage{{{"xml", "cobertura"},
                                                      {"path", "cobertura"},
                                                      {"reports", "cobertura"},
                                                      {"coverage_report", "cobertura"},
                                                      {"info", "lcov"},
                                                      {"tracefile", "lcov"}}};
constexpr Name kNoDefaultHint = "it belongs to one stage and cannot be a default";

std::string hint_for(Name key, const KeySet& keys) {
  if (std::ranges::find(keys.misplaced, key) != keys.misplaced.end())
    return std::string(keys.misplaced_hint);
  const auto foreign = std::ranges::find(keys.foreign, key, &ForeignKey::theirs);
  if (foreign != keys.foreign.end()) return "did you mean " + backquoted(foreign->ours) + "?";
  return name_hint(key, keys.known);
}

}  // namespace

const KeySet kPipelineKeys{"the pipeline", kPipeline, {}, kForeignPipeline, {}, {}};
const KeySet kParamKeys{"a parameter", kParam, {}, {}, {}, {}};
const KeySet kImageKeys{"an image", kImage, {}, {}, {}, {}};
const KeySet kDefaultsKeys{"the defaults", kDefaults,  {},
                           kForeignStage,  kNoDefault, kNoDefaultHint};
const KeySet kStageKeys{"a stage", kStage, {}, kForeignStage, {}, {}};
const KeySet kInputKeys{"an input", kInput, {}, {}, {}, {}};
const KeySet kOutputKeys{"an output", kOutput, {}, {}, {}, {}};
const KeySet kResourceKeys{"the resources", kResource, {}, kForeignResource, {}, {}};
const KeySet kNetworkKeys{"the network", kNetwork, {}, {}, {}, {}};
const KeySet kAllowFailureKeys{"`allow_failure`", kAllowFailure, {}, kForeignAllowFailure, {}, {}};
const KeySet kCacheKeys{"`cache`", kCache, {}, {}, {}, {}};
const KeySet kCachesKeys{"a cache", kCaches, {}, kForeignCache, {}, {}};
const KeySet kSecretKeys{"a secret", kSecret, {}, {}, {}, {}};
const KeySet kTestsKeys{"`tests`", kTests, {}, kForeignTests, {}, {}};
const KeySet kCoverageKeys{"`coverage`", kCoverage, {}, kForeignCoverage, {}, {}};
const KeySet kMutexKeys{"a mutex", kMutex, {}, kForeignMutex, {}, {}};
const KeySet kRetryKeys{"`retry`", kRetry, {}, kForeignRetry, {}, {}};

const KeySet kServiceKeys{"a service",     kService,          {},
                          kForeignService, kMisplacedService, kMisplacedServiceHint};
const KeySet kReadyKeys{"`ready`", kReady, {}, kForeignReady, {}, {}};

void report_unsupported(Position position, std::string_view what, Diagnostics& diagnostics) {
  diagnostics.add(position, backquoted(what) + " is not supported by this version of Stagebox yet");
}

void check_keys(const YamlNode& mapping, const KeySet& keys, Diagnostics& diagnostics) {
  for (const YamlEntry& entry : mapping.entries()) {
    const std::string_view key = entry.key->scalar();
    if (entry.duplicate || std::ranges::find(keys.known, key) != keys.known.end()) continue;
    if (std::ranges::find(keys.planned, key) != keys.planned.end()) {
      report_unsupported(entry.key->position, key, diagnostics);
      continue;
    }
    if (key == "<<" && entry.key->style == ScalarStyle::kPlain) continue;  // Reported already.
    diagnostics.add(entry.key->position,
                    "unknown key " + backquoted(key) + " in " + std::string(keys.owner),
                    diagnostics.full() ? "" : hint_for(key, keys));
  }
}

}  // namespace stagebox::scheduler
