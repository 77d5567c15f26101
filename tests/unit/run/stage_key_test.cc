// The stage key, one ingredient at a time: what is in the table of docs/architecture.md changes it,
// and nothing else does.
#include "runtime/run/stage/stage_key.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace stagebox::run {
namespace {

/// Everything that a stage's key is computed from.
struct Ingredients {
  scheduler::Stage stage;
  images::Image image;
  std::vector<ResolvedInput> inputs;
  std::string home = "/root";
  base::TrustDomain domain;

  [[nodiscard]] base::Digest key() const {
    const StageCommand command = make_stage_command(stage, image.config, home);
    const auto encoded = store::encode_action(
        make_action_spec(stage, command, stage_user(stage, image.config), image, inputs, domain));
    EXPECT_TRUE(encoded.ok()) << (encoded.ok() ? "" : encoded.error().message);
    return encoded.ok() ? encoded->action : base::Digest();
  }
};

base::RelativePath path(const std::string& text) { return base::RelativePath::parse(text).value(); }

scheduler::Output output(const std::string& name, const std::string& at) {
  scheduler::Output result;
  result.name = name;
  result.path = path(at);
  return result;
}

scheduler::DeclaredReports report(const char* pattern) {
  scheduler::DeclaredReports reports;
  reports.pattern = path(pattern);
  return reports;
}

ResolvedInput input(const std::string& at, const std::string& content) {
  ResolvedInput result;
  result.input.at = path(at);
  result.input.source = scheduler::HostPath{path("some/where"), {}};
  result.content.digest = base::Sha256::of(content);
  result.content.size = content.size();
  return result;
}

base::NetworkRule rule(const std::string& text) { return base::NetworkRule::parse(text).value(); }

base::TrustDomain untrusted(const char* name) { return base::TrustDomain::untrusted(name).value(); }

Ingredients sample() {
  Ingredients sample;
  sample.stage.id = "build";
  sample.stage.image = "gcc";
  sample.stage.run = scheduler::Script{"make"};
  sample.stage.env = {{"A", "1"}, {"B", "2"}};
  sample.stage.outputs = {output("lib", "out/lib.a"), output("log", "out/log")};
  sample.image.manifest_digest = base::Sha256::of("image");
  sample.image.config.env = {"PATH=/bin"};
  sample.inputs = {input("src", "one"), input("tool", "two")};
  return sample;
}

using Change = std::function<void(Ingredients&)>;
struct Case {
  const char* what;
  Change change;
};

TEST(StageKey, ChangesWithWhatDecidesTheResult) {
  const std::vector<Case> cases{
      {"the command", [](auto& s) { s.stage.run = scheduler::Script{"make all"}; }},
      {"a capability", [](auto& s) { s.stage.capabilities = 1; }},
      {"another capability", [](auto& s) { s.stage.capabilities = 2; }},
      {"an argv instead of a script", [](auto& s) { s.stage.run = scheduler::Argv{{"make"}}; }},
      {"the shell", [](auto& s) { s.stage.shell = {"/bin/bash", "-eu"}; }},
      {"a variable's value", [](auto& s) { s.stage.env["A"] = "3"; }},
      {"a variable's name", [](auto& s) { s.stage.env.emplace("C", ""); }},
      {"the image's environment", [](auto& s) { s.image.config.env = {"PATH=/usr/bin"}; }},
      {"the image", [](auto& s) { s.image.manifest_digest = base::Sha256::of("other"); }},
      {"the user", [](auto& s) { s.stage.user = scheduler::NumericUser{1000, {}}; }},
      {"the working directory", [](auto& s) { s.stage.workdir = path("sub"); }},
      {"an output's path", [](auto& s) { s.stage.outputs[0].path = path("out/lib.so"); }},
      {"that an output is for failures only",
       [](auto& s) { s.stage.outputs[0].when = scheduler::When::kFailure; }},
      {"an output more", [](auto& s) { s.stage.outputs.push_back(output("x", "x")); }},
      {"an input's content", [](auto& s) { s.inputs[0] = input("src", "changed"); }},
      {"an input's place", [](auto& s) { s.inputs[0] = input("source", "one"); }},
      {"an input's executable bit",
       [](auto& s) { s.inputs[0].content.executable = store::Executable::kYes; }},
      {"an input's mode", [](auto& s) { s.inputs[0].input.mode = scheduler::InputMode::kOverlay; }},
      {"an input less", [](auto& s) { s.inputs.pop_back(); }},
      {"the network",
       [](auto& s) {
         s.stage.network = {scheduler::Network::Mode::kAllow, {rule("deb.debian.org:80")}};
       }},
      {"another network",
       [](auto& s) {
         s.stage.network = {scheduler::Network::Mode::kAllow, {rule("deb.debian.org:81")}};
       }},
      {"the salt", [](auto& s) { s.stage.salt = "1"; }},
      {"another salt", [](auto& s) { s.stage.salt = "2"; }},
      {"a secret", [](auto& s) { s.stage.secrets = {{"TOKEN", {}}}; }},
      {"another secret", [](auto& s) { s.stage.secrets = {{"OTHER", {}}}; }},
      {"a secret's variable", [](auto& s) { s.stage.secrets = {{"TOKEN", "TOKEN"}}; }},
      {"the trust domain", [](auto& s) { s.domain = untrusted("pr-1"); }},
      {"another trust domain", [](auto& s) { s.domain = untrusted("pr-2"); }},
      {"a trust domain and a salt",
       [](auto& s) {
         s.domain = untrusted("pr-1");
         s.stage.salt = "1";
       }},
      {"a test report", [](auto& s) { s.stage.tests = {report("r.xml")}; }},
      {"where a test report is", [](auto& s) { s.stage.tests = {report("other.xml")}; }},
      {"a coverage report", [](auto& s) { s.stage.coverage = {report("r.xml")}; }},
      {"where a coverage report is", [](auto& s) { s.stage.coverage = {report("other.xml")}; }},
      {"a summary", [](auto& s) { s.stage.summary = {report("r.xml")}; }},
      {"where a summary is", [](auto& s) { s.stage.summary = {report("other.xml")}; }},
      {"a salt that looks like a domain", [](auto& s) { s.stage.salt = "untrusted/pr-1"; }},
  };
  std::vector<base::Digest> keys{sample().key()};
  for (const Case& one : cases) {
    Ingredients changed = sample();
    one.change(changed);
    keys.push_back(changed.key());
    for (std::size_t i = 0; i + 1 < keys.size(); ++i) EXPECT_NE(keys[i], keys.back()) << one.what;
  }
}

TEST(StageKey, DoesNotChangeWithWhatDoesNot) {
  const std::vector<Case> cases{
      {"the stage's name", [](auto& s) { s.stage.id = s.stage.name = "other"; }},
      {"the image's name in the file", [](auto& s) { s.stage.image = "cc"; }},
      {"the timeout", [](auto& s) { s.stage.timeout = std::chrono::hours(1); }},
      {"the memory limit", [](auto& s) { s.stage.resources.memory = 1U << 30U; }},
      {"the cpu limit", [](auto& s) { s.stage.resources.cpus = 3; }},
      {"the pids limit", [](auto& s) { s.stage.resources.pids = 5; }},
      {"the jobserver", [](auto& s) { s.stage.jobserver = true; }},
      {"the disk limit", [](auto& s) { s.stage.resources.disk = 1U << 30U; }},
      {"all other limits",
       [](auto& s) {
         scheduler::Resources& limits = s.stage.resources;
         limits.cpu_weight = limits.inodes = limits.io_read = limits.io_write = 1000;
         limits.shm_size = limits.open_files = limits.log = limits.outputs = 1000;
         limits.cpuset = "0";
         limits.cpu_time = std::chrono::hours(1);
       }},
      {"retries", [](auto& s) { s.stage.retry.attempts = 3; }},
      {"mutex groups", [](auto& s) { s.stage.mutex = {"db"}; }},
      {"caches", [](auto& s) { s.stage.caches = {{path("c"), {}, {{"k", {}}}, {}, {}, {}}}; }},
      {"when a cache is saved",
       [](auto& s) {
         s.stage.caches = {{path("c"), {}, {{"k", {}}}, {}, {}, scheduler::CacheSave::kAlways}};
       }},
      {"mutex groups across runs", [](auto& s) { s.stage.mutex_across_runs = {"db"}; }},
      {"which test cases are in quarantine", [](auto& s) { s.stage.quarantine = {"a.*"}; }},
      {"allow_failure",
       [](auto& s) { s.stage.allow_failure.which = scheduler::AllowFailure::Which::kAll; }},
      {"when", [](auto& s) { s.stage.when = scheduler::When::kAlways; }},
      {"needs", [](auto& s) { s.stage.needs = {{"lint", {}}}; }},
      {"the matrix's own values", [](auto& s) { s.stage.matrix = {{"n", "a"}}; }},
      {"the cache policy", [](auto& s) { s.stage.cache = scheduler::CachePolicy::kNever; }},
      {"for how long it is cached", [](auto& s) { s.stage.cache_ttl = std::chrono::hours(1); }},
      {"an output's name", [](auto& s) { s.stage.outputs[0].name = "archive"; }},
      {"an output's type and limit",
       [](auto& s) {
         s.stage.outputs[0].type = scheduler::OutputType::kFile;
         s.stage.outputs[0].max_size = 5;
       }},
      {"whether an output is kept of failures, too",
       [](auto& s) { s.stage.outputs[0].when = scheduler::When::kAlways; }},
      {"an output for failures only",
       [](auto& s) {
         s.stage.outputs.push_back(output("core", "core"));
         s.stage.outputs.back().when = scheduler::When::kFailure;
       }},
      {"the order of outputs", [](auto& s) { std::swap(s.stage.outputs[0], s.stage.outputs[1]); }},
      {"the order of inputs", [](auto& s) { std::swap(s.inputs[0], s.inputs[1]); }},
      {"where an input is on the host",
       [](auto& s) { s.inputs[0].input.source = scheduler::HostPath{path("else"), {"*.o"}}; }},
      {"the position in the file", [](auto& s) { s.stage.position = {7, 7}; }},
      {"labels of the image", [](auto& s) { s.image.config.labels["x"] = "y"; }},
  };
  const base::Digest key = sample().key();
  for (const Case& one : cases) {
    Ingredients changed = sample();
    one.change(changed);
    EXPECT_EQ(changed.key(), key) << one.what;
  }
}

}  // namespace
}  // namespace stagebox::run
