// Runs a command that does nothing in N sandboxes, one after the other, as stages run and without
// all that makes stages of them: what is left between this and a run of N stages is the scheduler's
// own. Prints nothing; the caller measures the process.
#include <fcntl.h>

#include <cstdlib>
#include <iostream>
#include <string>

#include "runtime/base/files.h"
#include "runtime/run/engine/local_engine.h"
#include "runtime/run/stage/stage_spec.h"
#include "sandbox/cgroup/limit_defaults.h"

namespace stagebox::run {
namespace {

using base::Result;

Result<void> run_one(LocalEngine& engine, const images::RootFs& rootfs, const Permit& permit) {
  LaunchRequest request(permit);
  request.spec.command = {{"touch", "o"}, {{"PATH", kDefaultPath}}, "/workspace"};
  request.spec.workspace = kWorkspace;
  request.spec.rlimits = default_rlimits();
  request.spec.seccomp = TRY(engine.seccomp());
  request.layers = &rootfs.layers;
  for (auto& fd : request.stdio) fd = TRY(base::open_path("/dev/null", O_RDWR));
  Finished finished = TRY(engine.launcher().run(std::move(request)));
  if (!finished.report.succeeded()) return base::invalid("the command failed");
  return finished.scratch.destroy();
}

Result<void> run_all(const std::string& archive, int count) {
  const auto engine = TRY(LocalEngine::open());
  const auto image = TRY(engine->images().use_archive(archive, {}));
  const Permit permitted = TRY(permit({}, {}));
  for (int i = 0; i < count; ++i) TRY(run_one(*engine, image.rootfs, permitted));
  return {};
}

}  // namespace
}  // namespace stagebox::run

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: bare_sandboxes ARCHIVE COUNT\n";
    return 2;
  }
  const auto done = stagebox::run::run_all(argv[1], std::atoi(argv[2]));
  if (done.ok()) return 0;
  std::cerr << done.error().message << '\n';
  return 1;
}
