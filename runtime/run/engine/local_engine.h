// LocalEngine: everything that running sandboxes on this machine needs, opened in the one right
// order: ids and fork server while there is one thread, then the state directory, what dead
// instances left, and the stores.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "images/image_store.h"
#include "runtime/base/result.h"
#include "runtime/run/engine/isolated_unpacker.h"
#include "runtime/run/engine/launcher.h"
#include "runtime/run/engine/report_reader.h"
#include "runtime/store/action_cache.h"
#include "runtime/store/content/content_store.h"
#include "runtime/store/home.h"
#include "runtime/store/instance_lock.h"
#include "runtime/store/runs/run_store.h"
#include "sandbox/seccomp/seccomp_cache.h"
#include "sandbox/worker/worker_server.h"

namespace stagebox::run {

/// Whether sandboxes of this engine may have a network with an allow-list: that takes one more
/// process.
enum class Networking { kNo, kYes };

/// Whether images can be imported: that takes one more process, too. kLater: allow_imports() is
/// called when it turns out that one has to be.
enum class Imports { kYes, kLater };

/// kImages: no content() before open_content(), no actions(), no runs().
enum class Stores { kAll, kImages };

/// How many sandboxes run at a time. Where it is one, no directory is made for several: its scratch
/// directory and its cgroups are those of the instance.
enum class Sandboxes { kMany, kOne };

/// Whether the state directory holds back some room, or who opens it uses that.
enum class Reserve { kMade, kUsed };

/// What a command needs of its engine; what it does not need costs nothing.
struct EngineNeeds {
  Networking networking = Networking::kNo;
  Imports imports = Imports::kYes;
  Stores stores = Stores::kAll;
  Sandboxes sandboxes = Sandboxes::kMany;
  Reserve reserve = Reserve::kMade;  ///< Only with all stores.
};

class LocalEngine {
 public:
  /// Only while the process has one thread.
  static base::Result<std::unique_ptr<LocalEngine>> open(const EngineNeeds& needs = {});
  /// Removes the instance. What could not be removed is found by the next command.
  ~LocalEngine();
  LocalEngine(const LocalEngine&) = delete;
  LocalEngine& operator=(const LocalEngine&) = delete;

  /// Only while the process has one thread.
  base::Result<void> allow_imports();
  /// What was done when it was opened, once more: kills what is left of instances that died since.
  /// From any thread.
  base::Result<void> undo_dead();
  /// Has the next command do what is done for the dead: this one could not write something down.
  void leave_to_recovery() { left_to_recovery_ = true; }
  [[nodiscard]] const store::Home& home() const { return *home_; }
  [[nodiscard]] const std::string& instance() const { return instance_->id(); }
  images::ImageStore& images() { return *images_; }
  store::ContentStore& content() { return *content_; }
  /// content() whatever the stores are: opened by the first call.
  base::Result<store::ContentStore*> open_content();
  store::ActionCache& actions() { return *actions_; }
  store::RunStore& runs() { return *runs_; }
  Launcher& launcher() { return *launcher_; }
  [[nodiscard]] ReportReader reports() const { return {*workers_, ids_}; }
  sandbox::ForkServer& fork_server() { return *server_; }
  /// Only with Networking::kYes.
  sandbox::network::ProxyServer& proxy_server() { return *proxies_; }
  sandbox::CgroupTree& cgroups() { return *cgroups_; }
  const std::shared_ptr<sandbox::HostIds>& ids() { return ids_; }
  /// The directory of this instance's scratch directories, or that of all instances where there is
  /// one sandbox.
  [[nodiscard]] int scratch_dir() const { return scratch_ ? scratch_.get() : sandboxes_.get(); }
  /// The default filter.
  base::Result<std::shared_ptr<const sandbox::SeccompProgram>> seccomp(
      sandbox::DeniedCalls denied = sandbox::DeniedCalls::kAnswered);
  /// Compiled once per state directory.
  const sandbox::SeccompCache& seccomp_cache() { return *seccomp_; }

 private:
  LocalEngine() = default;
  /// Undoes what dead instances left.
  base::Result<void> recover(Stores stores);
  base::Result<void> open_instance(Sandboxes sandboxes);
  base::Result<void> open_images();
  base::Result<void> open_stores();
  base::Result<const store::RunStore*> open_runs();

  std::shared_ptr<sandbox::HostIds> ids_;
  std::unique_ptr<sandbox::WorkerServer> workers_;
  std::shared_ptr<IsolatedUnpacker> unpacker_;
  std::unique_ptr<sandbox::ForkServer> server_;
  std::unique_ptr<sandbox::network::ProxyServer> proxies_;
  std::optional<store::Home> home_;
  std::optional<store::InstanceLock> instance_;
  std::optional<sandbox::CgroupTree> cgroups_;
  base::UniqueFd sandboxes_;  ///< All instances' scratch directories.
  base::UniqueFd scratch_;    ///< Where there are several sandboxes: this instance's.
  std::optional<images::ImageStore> images_;
  std::optional<store::ContentStore> content_;
  std::optional<store::ActionCache> actions_;
  std::optional<store::RunStore> runs_;
  std::optional<Launcher> launcher_;
  std::optional<sandbox::SeccompCache> seccomp_;
  bool left_to_recovery_ = false;
};

}  // namespace stagebox::run
