// LayerStaging: brings the layers of one image that the store lacks into a work directory, several
// at a time, and verifies each. Nothing here is visible to anybody until the importer publishes it.
// A layer that another import is making is waited for; one that is there is leased, so that nobody
// collects it before the image that needs it is visible, and what the archive has of it is verified
// (StoredBlob).
//
// Layers are started from the bottom up, as many as there are processors. A layer that has to know
// what lies below waits until that is complete, and lends its place to the next one meanwhile;
// since it only waits for layers that were started before, somebody always goes on. When one fails,
// the others are stopped.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "images/archive/image_resolver.h"
#include "images/image_store.h"
#include "images/layer/layer_form.h"
#include "images/layer/layer_unpacker.h"
#include "images/layer_locks.h"
#include "images/layer_store.h"
#include "images/workspace.h"

namespace stagebox::images {

/// One layer on its way into the store, or already there.
struct StagedLayer {
  std::string key;
  std::string work_name;  ///< Below the work directory; empty: it was in the store.
  base::UniqueFd dir;     ///< Of `work_name`, or a lease.
  base::UniqueFd root;    ///< Its root directory; none yet while an EROFS image is made.
  LayerInfo info;
  LayerProgress progress;  ///< As counted so far.

  /// It was in the store before.
  [[nodiscard]] bool is_stored() const { return work_name.empty(); }
};

class LayerStaging {
 public:
  /// All references and descriptors must outlive this.
  LayerStaging(const StoreDirs& dirs, const LayerOwnership& ownership,
               const LayerUnpacker& unpacker, LayerForms forms, const Workspace& work,
               LayerLocks& locks, const ImportOptions& options);

  /// Bottom first. Only once.
  base::Result<std::vector<StagedLayer>> stage(const ResolvedImage& image);

 private:
  class Gate;

  base::Result<StagedLayer> prepare(const std::string& key, std::size_t index);
  base::Result<std::optional<StagedLayer>> find_present(const std::string& key, std::size_t index);
  base::Result<void> lock(const std::string& key);
  [[nodiscard]] base::Result<void> check_squashed(const LayerInfo& info) const;
  [[nodiscard]] std::size_t waiting_from_the_start() const;
  void work();
  std::optional<std::size_t> take();
  [[nodiscard]] bool makes_erofs(std::size_t index);
  base::Result<LayerInfo> unpack(std::size_t index);
  base::Result<LayerInfo> unpack_to_directory(std::size_t index);
  base::Result<std::optional<LayerInfo>> unpack_to_erofs(std::size_t index);
  base::Result<LayerInfo> keep(std::size_t index, const LayerInfo& info, const BudgetUse& used);
  [[nodiscard]] std::vector<int> roots_below(std::size_t index) const;
  base::Result<LayerInfo> verify_stored(std::size_t index);
  [[nodiscard]] LayerJob job_for(std::size_t index);
  void settle(std::size_t index, base::Result<LayerInfo> info);
  void begin_progress();
  void count(std::size_t index, const LayerProgress& now);
  void count_whole(std::size_t index, std::uint64_t entries);
  base::Result<void> wait_below(std::size_t index);
  [[nodiscard]] bool is_over() const { return error_ || stop_.stop_requested(); }

  const StoreDirs& dirs_;
  const LayerOwnership& ownership_;
  const LayerUnpacker& unpacker_;
  LayerForms forms_;
  const Workspace& work_;
  LayerLocks& locks_;
  const ImportOptions& options_;

  const ResolvedImage* image_ = nullptr;
  std::vector<StagedLayer> layers_;
  Budget total_;
  std::optional<bool> can_erofs_;  ///< When it was asked.
  /// Of those in the making; that of an EROFS image comes with its mount.
  std::size_t first_without_root_ = 0;
  std::stop_source stop_;

  std::mutex mutex_;  ///< For everything below, and the `info` of layers in the making.
  std::condition_variable changed_;
  std::vector<bool> complete_;
  std::size_t next_ = 0;     ///< The first layer that was not started.
  std::size_t running_ = 0;  ///< Without those that wait for layers below.
  std::optional<base::Error> error_;
  std::size_t failed_ = 0;  ///< The layer that `error_` is about.
};

}  // namespace stagebox::images
