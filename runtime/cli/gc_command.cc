// Commands about what is kept: gc, pin, unpin.
#include <nlohmann/json.hpp>

#include <iostream>

#include "runtime/base/files.h"
#include "runtime/base/units.h"
#include "runtime/cli/commands.h"
#include "runtime/cli/exit_status.h"
#include "runtime/run/engine/local_engine.h"
#include "runtime/run/state/retention.h"
#include "runtime/run/state/stored_state.h"
#include "runtime/store/content/room_reserve.h"
#include "runtime/store/home.h"

namespace stagebox::cli {
namespace {

using base::Result;
using nlohmann::json;

Result<run::RetentionPolicy> policy_of(const GcOptions& options, std::chrono::milliseconds keep) {
  run::RetentionPolicy policy;
  policy.keep = std::chrono::duration_cast<std::chrono::seconds>(keep);
  const auto workspaces = TRY(base::parse_duration(options.keep_workspaces));
  policy.keep_workspaces = std::chrono::duration_cast<std::chrono::seconds>(workspaces);
  policy.keep_runs = options.keep_runs;
  if (!options.max_size.empty()) policy.max_bytes = TRY(base::parse_bytes(options.max_size));
  return policy;
}

Result<images::Retention> image_retention_of(const GcOptions& options,
                                             std::chrono::milliseconds keep) {
  images::Retention retention;
  retention.used_since = std::chrono::system_clock::now() - keep;
  if (!options.max_image_size.empty())
    retention.max_bytes = TRY(base::parse_bytes(options.max_image_size));
  return retention;
}

using Verified = std::optional<store::VerifyResult>;

json to_json(const run::RetentionResult& kept, const images::GarbageReport& images,
             const Verified& verified) {
  json told = {{"runs", kept.runs},
               {"results", kept.results},
               {"outputs", kept.outputs},
               {"caches", kept.caches},
               {"workspaces", kept.workspaces},
               {"blobs", kept.content.blobs},
               {"trees", kept.content.trees},
               {"images", images.images_forgotten},
               {"layers", images.layers_removed},
               {"bytes", kept.content.bytes + images.bytes_freed},
               {"content_bytes", kept.content.remaining},
               {"log_bytes", kept.log_bytes}};
  if (!verified) return told;
  json names = json::array();
  for (const base::Digest& digest : verified->damaged) names.push_back(digest.hex());
  told["verified"] = {{"blobs", verified->blobs},
                      {"bytes", verified->bytes},
                      {"damaged", verified->damaged.size()},
                      {"damaged_blobs", std::move(names)}};
  return told;
}

void print(const store::VerifyResult& verified) {
  std::cout << "read " << base::counted(verified.blobs, "blob") << ", "
            << base::format_bytes(verified.bytes) << ": ";
  if (verified.damaged.empty()) {
    std::cout << "none is damaged\n";
    return;
  }
  std::cout << verified.damaged.size() << " damaged and removed; what made them runs again\n";
  for (const base::Digest& digest : verified.damaged) std::cout << "  " << digest.hex() << '\n';
}

void print(const run::RetentionResult& kept, const images::GarbageReport& images) {
  using base::counted;
  std::cout << "freed " << base::format_bytes(kept.content.bytes + images.bytes_freed) << ": "
            << counted(kept.content.blobs, "blob") << ", " << counted(kept.content.trees, "tree")
            << ", " << counted(images.layers_removed, "layer") << "; forgot "
            << counted(images.images_forgotten, "image") << ", " << counted(kept.runs, "run")
            << ", " << counted(kept.results, "cached result") << ", "
            << counted(kept.caches, "saved cache") << ", " << counted(kept.workspaces, "workspace")
            << " of failed stages";
  if (kept.outputs != 0) std::cout << ", the outputs of " << counted(kept.outputs, "more run");
  std::cout << "; stored content takes " << base::format_bytes(kept.content.remaining)
            << ", logs take " << base::format_bytes(kept.log_bytes) << '\n';
}

}  // namespace

Result<int> gc_command(const GcOptions& options) {
  const auto keep = TRY(base::parse_duration(options.keep));
  const run::RetentionPolicy policy = TRY(policy_of(options, keep));
  const images::Retention image_retention = TRY(image_retention_of(options, keep));
  const store::Home home = TRY(store::Home::open(store::HomeRequest::of_process()));
  store::release_reserve(home.fd());
  // However this ends, and after the engine has closed the run database, whose log goes then.
  const base::ScopeExit reserve([&] { store::make_reserve(home.fd(), store::Room::kAny); });
  const auto engine = TRY(
      run::LocalEngine::open({.imports = run::Imports::kLater, .reserve = run::Reserve::kUsed}));
  Verified verified;
  if (options.verify) verified = TRY(engine->content().verify());
  const run::RetentionResult kept = TRY(run::retain(*engine, policy));
  const auto images = TRY(engine->images().collect_garbage(image_retention));
  if (verified && options.format == OutputFormat::kText) print(*verified);
  if (options.format == OutputFormat::kJson)
    std::cout << to_json(kept, images, verified).dump() << '\n';
  else
    print(kept, images);
  if (!policy.max_bytes || kept.content.remaining <= *policy.max_bytes) return kSuccess;
  std::cerr
      << "stagebox: warning: stored content takes more than the budget: it is in use, was "
         "used a moment ago, belongs to pinned runs, or is what runs on record show of tests, "
         "coverage and inputs (--keep and --keep-runs bound these)\n";
  return kSuccess;
}

Result<int> pin_command(const PinOptions& options) {
  const run::StoredState state = TRY(run::StoredState::open());
  const std::string id = TRY(state.runs().find_run(options.run)).id;
  TRY(options.pinned ? state.runs().pin_run(id) : state.runs().unpin_run(id));
  std::cout << (options.pinned ? "pinned " : "unpinned ") << id << '\n';
  return kSuccess;
}

}  // namespace stagebox::cli
