// Runs `true` in N sandboxes, as stages of a running Stagebox get theirs: one engine, one launcher,
// as many threads as run at once, output through a pipe to whoever keeps it. Says how long each
// took, from the request until nothing of it is left.
#include <fcntl.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "runtime/base/files.h"
#include "runtime/base/pipe.h"
#include "runtime/run/engine/local_engine.h"
#include "runtime/run/output_capture.h"
#include "runtime/run/stage/stage_spec.h"
#include "sandbox/cgroup/limit_defaults.h"
#include "sandbox/spec/seccomp_program.h"

namespace stagebox::run {
namespace {

using base::Result;
using base::UniqueFd;
using Clock = std::chrono::steady_clock;

struct Batch {
  std::size_t count = 1;
  std::size_t jobs = 1;
  std::string inputs;  ///< A directory, each entry of which is an input; empty: none.
};

struct World {
  LocalEngine& engine;
  const images::RootFs& rootfs;
  Permit permit;
  std::shared_ptr<const sandbox::SeccompProgram> seccomp;
  std::vector<std::string> inputs;
};

Result<LaunchRequest> make_request(const World& world, UniqueFd output) {
  LaunchRequest request(world.permit);
  request.spec.command = {{"true"}, {{"PATH", kDefaultPath}}, "/workspace"};
  request.spec.workspace = kWorkspace;
  request.spec.rlimits = default_rlimits();
  request.spec.seccomp = world.seccomp;
  request.layers = &world.rootfs.layers;
  request.stdio[0] = TRY(base::open_path("/dev/null", O_RDONLY));
  request.stdio[2] = TRY(base::duplicate(output.get()));
  request.stdio[1] = std::move(output);
  for (const std::string& path : world.inputs) {
    const std::string target =
        std::string(kWorkspace) + "/i" + std::to_string(request.inputs.size());
    request.spec.inputs.push_back({target, request.inputs.size()});
    request.inputs.push_back(TRY(base::open_path(path, O_PATH | O_DIRECTORY)));
  }
  return request;
}

Result<void> run_one(const World& world) {
  base::Pipe output = TRY(base::make_pipe());
  LaunchRequest request = TRY(make_request(world, std::move(output.write_end)));
  std::string log;
  request.supervision.outputs.push_back(
      {std::move(output.read_end), [&log](std::span<const std::byte> bytes) -> Result<void> {
         log.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
         return {};
       }});
  Finished finished = TRY(world.engine.launcher().run(std::move(request)));
  if (!finished.report.succeeded()) return base::invalid("the command failed: " + log);
  return finished.scratch.destroy();
}

std::int64_t nanoseconds_since(Clock::time_point start) {
  return std::chrono::nanoseconds(Clock::now() - start).count();
}

Result<void> run_batch(const World& world, const Batch& batch) {
  std::vector<std::int64_t> took(batch.count);
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  Result<void> failure;
  const auto work = [&] {
    for (std::size_t i = next++; i < batch.count; i = next++) {
      const Clock::time_point start = Clock::now();
      auto ran = run_one(world);
      took[i] = nanoseconds_since(start);
      if (ran.ok()) continue;
      const std::scoped_lock lock(mutex);
      failure = std::move(ran);
      next = batch.count;
    }
  };
  const Clock::time_point start = Clock::now();
  {
    std::vector<std::jthread> others;
    for (std::size_t job = 1; job < batch.jobs; ++job) others.emplace_back(work);
    work();
  }
  const std::int64_t wall = nanoseconds_since(start);
  TRY(std::move(failure));
  for (const std::int64_t time : took) std::cout << time << '\n';
  std::cout << "wall " << wall << '\n';
  return {};
}

Result<World> open_world(LocalEngine& engine, const images::RootFs& rootfs) {
  return World{engine, rootfs, TRY(permit({}, {})), TRY(engine.seccomp()), {}};
}

Result<void> run_all(const std::string& archive, const Batch& batch) {
  const auto engine = TRY(LocalEngine::open());
  const auto image = TRY(engine->images().use_archive(archive, {}));
  World world = TRY(open_world(*engine, image.rootfs));
  if (!batch.inputs.empty()) {
    for (const auto& entry : std::filesystem::directory_iterator(batch.inputs))
      world.inputs.push_back(entry.path());
  }
  return run_batch(world, batch);
}

// Where a stage without limits of its own gets a cgroup: not every hierarchy is used for each.
Result<void> tell_cgroups(LocalEngine& engine) {
  const sandbox::Limits limits = sandbox::with_defaults({}, engine.cgroups()).limits;
  sandbox::Cgroup cgroup = TRY(engine.cgroups().make("probe", limits, engine.scratch_dir()));
  const std::vector<std::string> made = engine.cgroups().directories();
  for (std::size_t i = 0; i < made.size(); ++i) {
    if (std::filesystem::exists(made[i] + "/probe"))
      std::cout << engine.cgroups().places()[i].dir << '\n';
  }
  return cgroup.destroy();
}

// For the other contenders: the cgroups, and the filter that stages get.
Result<void> prepare(const std::string& archive, const std::string& filter_path) {
  const auto engine = TRY(LocalEngine::open());
  (void)TRY(engine->images().use_archive(archive, {}));
  if (!engine->cgroups().places().empty()) TRY(tell_cgroups(*engine));
  const auto seccomp = TRY(engine->seccomp());
  const UniqueFd file = TRY(base::open_path(filter_path, O_WRONLY | O_CREAT | O_TRUNC, 0600));
  return base::write_all(file.get(), std::as_bytes(std::span(seccomp->instructions)));
}

// What a stage left in `workspace`, into the store.
Result<void> capture(const std::string& workspace, const std::string& name) {
  const auto engine = TRY(LocalEngine::open());
  const UniqueFd dir = TRY(base::open_path(workspace, O_RDONLY | O_DIRECTORY));
  scheduler::Output output;
  output.name = "o";
  output.path = TRY(base::RelativePath::parse(name));
  const Clock::time_point start = Clock::now();
  const Capture captured =
      TRY(capture_outputs({output}, WorkspaceView{dir.get()}, engine->content(),
                          {.source_files = store::SourceFiles::kTaken}));
  std::cout << "wall " << nanoseconds_since(start) << '\n';
  return captured.problems.empty() ? Result<void>() : base::invalid(captured.problems.front());
}

std::size_t number(const char* text) { return std::strtoul(text, nullptr, 10); }

Result<void> dispatch(const std::vector<const char*>& arguments) {
  const std::string mode = arguments.empty() ? "" : arguments[0];
  if (mode == "prepare" && arguments.size() == 3) return prepare(arguments[1], arguments[2]);
  if (mode == "run" && (arguments.size() == 4 || arguments.size() == 5)) {
    return run_all(arguments[1], {number(arguments[2]), number(arguments[3]),
                                  arguments.size() == 5 ? arguments[4] : ""});
  }
  if (mode == "capture" && arguments.size() == 3) return capture(arguments[1], arguments[2]);
  return base::invalid(
      "usage: stages prepare ARCHIVE FILTER | stages run ARCHIVE COUNT JOBS [INPUTS] | "
      "stages capture WORKSPACE NAME");
}

}  // namespace
}  // namespace stagebox::run

int main(int argc, char** argv) {
  const auto done =
      stagebox::run::dispatch(std::vector<const char*>(argv + std::min(argc, 1), argv + argc));
  if (done.ok()) return 0;
  std::cerr << "stages: " << done.error().message << '\n';
  return 1;
}
