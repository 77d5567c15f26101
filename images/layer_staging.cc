#include "images/layer_staging.h"

#include <fcntl.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "images/erofs_layer.h"
#include "images/stored_blob.h"
#include "images/write_back.h"
#include "runtime/base/files.h"
#include "runtime/base/start_thread.h"

namespace stagebox::images {
namespace {

/// Layers that may wait for those below beside the running ones: bounds threads and memory.
constexpr std::size_t kMostWaiting = 4;

std::size_t processors() { return std::max(1U, std::thread::hardware_concurrency()); }

base::Result<base::UniqueFd> make_and_open(int dir_fd, const std::string& name) {
  TRY(base::make_dir_at(dir_fd, name, 0700));
  return base::open_beneath(dir_fd, name, O_RDONLY | O_DIRECTORY, base::Links::kRefuse);
}

/// Joins what was started, however the scope is left.
class Threads {
 public:
  Threads() = default;
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;
  ~Threads() {
    for (std::thread& thread : threads_) thread.join();
  }
  template <typename Work>
  base::Result<void> start(Work work) {
    threads_.push_back(TRY(base::start_thread("start a thread", std::move(work))));
    return {};
  }

 private:
  std::vector<std::thread> threads_;
};

}  // namespace

class LayerStaging::Gate final : public ParentGate {
 public:
  Gate(LayerStaging& staging, std::size_t index) : staging_(staging), index_(index) {}
  base::Result<void> wait() override {
    if (!passed_) TRY(staging_.wait_below(index_));
    passed_ = true;
    return {};
  }

 private:
  LayerStaging& staging_;
  std::size_t index_;
  bool passed_ = false;
};

LayerStaging::LayerStaging(const StoreDirs& dirs, const LayerOwnership& ownership,
                           const LayerUnpacker& unpacker, LayerForms forms, const Workspace& work,
                           LayerLocks& locks, const ImportOptions& options)
    : dirs_(dirs),
      ownership_(ownership),
      unpacker_(unpacker),
      forms_(forms),
      work_(work),
      locks_(locks),
      options_(options),
      total_(options.limits) {}

base::Result<std::vector<StagedLayer>> LayerStaging::stage(const ResolvedImage& image) {
  image_ = &image;
  const auto chain = chain_ids(image.config.diff_ids);
  for (std::size_t i = 0; i < image.layers.size(); ++i) {
    layers_.push_back(TRY(prepare(layer_key(chain[i], ownership_), i)));
    complete_.push_back(layers_.back().is_stored());
  }
  const auto first =
      std::ranges::find_if(layers_, [](const StagedLayer& layer) { return !layer.root.valid(); });
  first_without_root_ = static_cast<std::size_t>(first - layers_.begin());
  begin_progress();
  const std::stop_callback on_stop(options_.stop, [this] {
    const std::scoped_lock lock(mutex_);
    stop_.request_stop();
    changed_.notify_all();
  });
  {
    std::optional<WriteBack> write_back;
    if (!std::ranges::all_of(layers_, &StagedLayer::is_stored)) {
      write_back.emplace(dirs_.root.get());
    }
    Threads threads;
    const std::size_t wanted = processors() + kMostWaiting + waiting_from_the_start();
    for (std::size_t i = 0; i < std::min(layers_.size(), wanted); ++i) {
      const auto started = threads.start([this] { work(); });
      if (started.ok()) continue;
      if (i == 0) return started.error();
      break;  // fewer will do
    }
  }
  if (error_) return *error_;
  if (stop_.stop_requested()) return base::cancelled("the import was interrupted");
  return std::move(layers_);
}

base::Result<void> LayerStaging::lock(const std::string& key) {
  return locks_.lock(key, options_.stop, [this] {
    if (options_.progress != nullptr) options_.progress->begin(ImportProgress::Phase::kWaiting, 0);
  });
}

base::Result<std::optional<StagedLayer>> LayerStaging::find_present(const std::string& key,
                                                                    std::size_t index) {
  if (options_.replaced.contains(image_->config.diff_ids[index])) {
    return std::optional<StagedLayer>();
  }
  auto lease = lease_layer(dirs_.layers.get(), key);
  if (!lease.ok() && lease.error().kind == base::ErrorKind::kNotFound) {
    return std::optional<StagedLayer>();
  }
  if (!lease.ok()) return lease.error();
  const auto info = read_layer_info(dirs_.layers.get(), key);
  if (!info.ok() && info.error().kind == base::ErrorKind::kNotFound) {
    return std::optional<StagedLayer>();
  }
  if (!info.ok()) return info.error();
  TRY(check_squashed(*info));
  StagedLayer layer;
  layer.key = key;
  layer.info = *info;
  layer.dir = std::move(*lease);
  auto root = open_layer_root(layer.dir.get());
  // It was stored where EROFS could be mounted, and that is not here: it is made again.
  if (!root.ok() && info->erofs) return std::optional<StagedLayer>();
  layer.root = TRY(std::move(root));
  return std::optional(std::move(layer));
}

// Nobody gets other owners than the image has without having asked for it.
base::Result<void> LayerStaging::check_squashed(const LayerInfo& info) const {
  if (info.stats.squashed_ids == 0 || options_.unmapped == LayerOwnership::Unmapped::kSquash) {
    return {};
  }
  return base::invalid("the layer " + info.diff_id.oci() + " was imported with --squash-ids: " +
                       std::to_string(info.stats.squashed_ids) +
                       " of its files belong to nobody; give --squash-ids again, or use the image "
                       "by its name");
}

base::Result<StagedLayer> LayerStaging::prepare(const std::string& key, std::size_t index) {
  TRY(lock(key));
  auto present = TRY(find_present(key, index));
  if (present) {
    TRY(locks_.unlock(key));
    return std::move(*present);
  }
  StagedLayer layer;
  layer.key = key;
  layer.work_name = std::to_string(index);
  layer.dir = TRY(make_and_open(work_.fd(), layer.work_name));
  if (!makes_erofs(index)) layer.root = TRY(make_and_open(layer.dir.get(), kLayerFiles));
  return layer;
}

// Directories above an EROFS image in the making: they have nothing in memory yet, and should not
// keep large layers above them from being started.
std::size_t LayerStaging::waiting_from_the_start() const {
  const auto above = layers_.begin() + static_cast<std::ptrdiff_t>(first_without_root_);
  return static_cast<std::size_t>(std::count_if(above, layers_.end(), [](const StagedLayer& layer) {
    return layer.root && !layer.is_stored();
  }));
}

void LayerStaging::work() {
  while (const auto index = take()) {
    settle(*index, layers_[*index].is_stored() ? verify_stored(*index) : unpack(*index));
  }
}

std::optional<std::size_t> LayerStaging::take() {
  std::unique_lock lock(mutex_);
  const auto all_started = [&] { return next_ == layers_.size(); };
  changed_.wait(lock, [&] { return is_over() || all_started() || running_ < processors(); });
  if (is_over() || all_started()) return std::nullopt;
  ++running_;
  return next_++;
}

LayerJob LayerStaging::job_for(std::size_t index) {
  LayerJob job;
  job.source = image_->layers[index];
  job.layer_fd = layers_[index].dir.get();
  job.ownership = ownership_;
  job.ownership.unmapped = options_.unmapped;
  job.limits = options_.limits;
  job.used = total_.use();
  if (options_.progress != nullptr) {
    job.on_progress = [this, index](const LayerProgress& now) { count(index, now); };
  }
  return job;
}

void LayerStaging::begin_progress() {
  if (options_.progress == nullptr) return;
  std::uint64_t bytes = 0;
  for (const LayerSource& layer : image_->layers) bytes += layer.range.size;
  options_.progress->begin(ImportProgress::Phase::kUnpacking, bytes);
  options_.progress->layers_total = layers_.size();
  options_.progress->layers_done = 0;
}

// Whatever a worker claims, a layer is never further than its end, and never goes back.
void LayerStaging::count(std::size_t index, const LayerProgress& now) {
  LayerProgress& counted = layers_[index].progress;
  const std::uint64_t bytes =
      std::clamp(now.bytes_read, counted.bytes_read, image_->layers[index].range.size);
  const std::uint64_t entries = std::max(now.entries, counted.entries);
  options_.progress->bytes_read += bytes - counted.bytes_read;
  options_.progress->entries += entries - counted.entries;
  counted = {bytes, entries};
}

void LayerStaging::count_whole(std::size_t index, std::uint64_t entries) {
  if (options_.progress == nullptr) return;
  count(index, {image_->layers[index].range.size, entries});
  ++options_.progress->layers_done;
}

std::vector<int> LayerStaging::roots_below(std::size_t index) const {
  std::vector<int> roots;
  for (std::size_t below = index; below-- > 0;) roots.push_back(layers_[below].root.get());
  return roots;
}

// The kernel is asked once an import, and only when there is something to make.
bool LayerStaging::makes_erofs(std::size_t index) {
  if (forms_ == LayerForms::kDirectories) return false;
  const bool is_small = image_->layers[index].range.size <= kSmallLayerBytes;
  if (forms_ == LayerForms::kBySize && is_small) return false;
  if (!can_erofs_) can_erofs_ = can_store_erofs(ownership_, work_.fd()).ok();
  return *can_erofs_;
}

base::Result<LayerInfo> LayerStaging::unpack(std::size_t index) {
  // Who makes a directory gets the roots of the layers below. Not all are there before these are
  // complete, when one of them is to be an EROFS image.
  if (layers_[index].root) {
    if (index > first_without_root_) TRY(wait_below(index));
    return unpack_to_directory(index);
  }
  const auto made = TRY(unpack_to_erofs(index));
  if (made) return *made;
  TRY(wait_below(index));
  layers_[index].root = TRY(make_and_open(layers_[index].dir.get(), kLayerFiles));
  return unpack_to_directory(index);
}

base::Result<std::optional<LayerInfo>> LayerStaging::unpack_to_erofs(std::size_t index) {
  const auto below = [&]() -> base::Result<std::vector<int>> {
    TRY(wait_below(index));
    return roots_below(index);
  };
  auto made = TRY(make_erofs_layer(layers_[index].dir.get(), job_for(index), unpacker_, below,
                                   stop_.get_token()));
  if (!made) return std::optional<LayerInfo>();
  layers_[index].root = std::move(made->root);
  return std::optional(TRY(keep(index, made->info, made->used)));
}

base::Result<LayerInfo> LayerStaging::unpack_to_directory(std::size_t index) {
  LayerJob job = job_for(index);
  job.parents = roots_below(index);
  Gate gate(*this, index);
  const UnpackedLayer found = TRY(unpacker_.unpack(job, gate, stop_.get_token()));
  TRY(check_digests(job.source, found.digests));
  const LayerInfo info{job.source.diff_id, found.digests.blob, found.digests.tar_bytes, found.stats,
                       std::nullopt};
  return keep(index, info, found.used);
}

base::Result<LayerInfo> LayerStaging::keep(std::size_t index, const LayerInfo& info,
                                           const BudgetUse& used) {
  const auto within = total_.charge_all(used);
  if (!within.ok()) return within.error().with_context(image_->layers[index].label);
  TRY(write_layer_info(layers_[index].dir.get(), info));
  count_whole(index, used.entries);
  return info;
}

base::Result<LayerInfo> LayerStaging::verify_stored(std::size_t index) {
  LayerJob job = job_for(index);
  const bool is_enough = TRY(is_verified_by_hash(job.source, layers_[index].info));
  if (is_enough) {
    TRY(verify_by_hash(job.source, stop_.get_token(), [&](std::uint64_t bytes) {
      if (job.on_progress) job.on_progress({bytes, 0});
    }));
  } else {
    job.layer_fd = -1;
    Gate gate(*this, index);
    const UnpackedLayer found = TRY(unpacker_.unpack(job, gate, stop_.get_token()));
    TRY(check_digests(job.source, found.digests));
  }
  count_whole(index, 0);
  return layers_[index].info;
}

void LayerStaging::settle(std::size_t index, base::Result<LayerInfo> info) {
  const std::scoped_lock lock(mutex_);
  --running_;
  if (info.ok()) {
    layers_[index].info = *info;
    complete_[index] = true;
  } else if (info.error().kind != base::ErrorKind::kCancelled && (!error_ || index < failed_)) {
    // Of several the lowest is told: those above may only be a consequence.
    error_ = info.error();
    failed_ = index;
    stop_.request_stop();
  }
  changed_.notify_all();
}

base::Result<void> LayerStaging::wait_below(std::size_t index) {
  std::unique_lock lock(mutex_);
  const auto all_below = [&] {
    return std::find(complete_.begin(), complete_.begin() + static_cast<std::ptrdiff_t>(index),
                     false) == complete_.begin() + static_cast<std::ptrdiff_t>(index);
  };
  --running_;
  changed_.notify_all();
  changed_.wait(lock, [&] { return is_over() || all_below(); });
  ++running_;
  if (is_over()) return base::cancelled("the import was interrupted");
  return {};
}

}  // namespace stagebox::images
