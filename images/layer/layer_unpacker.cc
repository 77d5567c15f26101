#include "images/layer/layer_unpacker.h"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>

#include "images/layer/archive_copy.h"
#include "images/layer/index_applier.h"
#include "images/layer/layer_applier.h"
#include "images/layer/layer_index.h"
#include "images/layer/layer_recorder.h"
#include "images/layer/layer_snapshot.h"
#include "runtime/base/files.h"

namespace stagebox::images {
namespace {

// If these are not the bytes that were promised, that is what the user should be told, and not that
// they make no sense.
base::Error what_is_wrong(const LayerJob& job, LayerReader& reader, const base::Error& error) {
  if (error.kind == base::ErrorKind::kInvalid) {
    const auto found = reader.finish();
    if (found.ok() && job.source.blob_digest && found->blob != *job.source.blob_digest) {
      return check_digests(job.source, *found).error();
    }
  }
  const bool is_told = error.message.starts_with(job.source.label);
  return is_told ? error : error.with_context(job.source.label);
}

/// Passes the archive on, and tells at the seams how far it is.
class ToldStream final : public ByteStream {
 public:
  ToldStream(LayerReader& reader, const Budget& budget, const LayerJob& job)
      : reader_(reader), budget_(budget), job_(job) {}
  base::Result<std::span<const std::byte>> next() override {
    if (job_.on_progress) tell();
    return reader_.next();
  }

 private:
  void tell() {
    // As often as a display can use it. In a worker process each time is a message.
    constexpr std::chrono::milliseconds kBetween{50};
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < kBetween) return;
    last_ = now;
    job_.on_progress({reader_.stored_bytes(), budget_.use().entries - job_.used.entries});
  }

  LayerReader& reader_;
  const Budget& budget_;
  const LayerJob& job_;
  std::chrono::steady_clock::time_point last_;
};

BudgetUse difference(const BudgetUse& now, const BudgetUse& before) {
  return {now.expanded - before.expanded, now.files - before.files, now.entries - before.entries};
}

base::Result<base::UniqueFd> create_file(int dir_fd, const std::string& name) {
  return base::open_beneath(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL, base::Links::kRefuse, 0600);
}

// The archive as it is, read a second time.
base::Result<void> keep_whole(const LayerJob& job, const LayerDigests& first) {
  Budget budget(job.limits);
  const auto again = TRY(LayerReader::open(job.source, budget));
  if (::unlinkat(job.layer_fd, kLayerRecordName, 0) != 0) return base::errno_error("replace it");
  const base::UniqueFd file = TRY(create_file(job.layer_fd, kLayerRecordName));
  TRY(record_whole(*again, file.get()));
  const LayerDigests found = TRY(again->finish());
  if (found.blob == first.blob) return {};
  return base::invalid("the file was changed while it was imported");
}

// What `verify` and `export` need of the layer. Where the files do not have all of the archive (of
// two entries of one name only the last is there), the archive is kept as it is.
base::Result<void> record(const LayerJob& job, int root_fd, const LayerRecorder& recorder,
                          const LayerApplier& applier, const UnpackedLayer& layer) {
  const bool is_whole = recorder.has_losses() || layer.stats.replaced > 0;
  if (is_whole) TRY(keep_whole(job, layer.digests));
  const SnapshotWants wants{
      [&](const std::string& path) { return is_whole || recorder.other_content().contains(path); },
      [&](const std::string& path) { return applier.may_have_xattrs(path); }};
  return write_snapshot(job.layer_fd, kLayerSnapshotName, root_fd, wants);
}

base::Result<UnpackedLayer> measure(const LayerJob& job, const std::stop_token& stop) {
  Budget budget(job.limits, job.used);
  const auto reader = TRY(LayerReader::open(job.source, budget));
  ToldStream told(*reader, budget, job);
  for (bool at_end = false; !at_end;) {
    if (stop.stop_requested()) return base::cancelled("the import was interrupted");
    const auto piece = told.next();
    if (!piece.ok()) return what_is_wrong(job, *reader, piece.error());
    at_end = piece->empty();
    if (job.copy_fd >= 0) TRY(base::write_all(job.copy_fd, *piece));
  }
  UnpackedLayer layer;
  layer.digests = TRY(reader->finish());
  return layer;
}

base::Result<UnpackedLayer> make_index(const LayerJob& job, const std::stop_token& stop) {
  Budget budget(job.limits, job.used);
  const auto reader = TRY(LayerReader::open(job.source, budget));
  ToldStream told(*reader, budget, job);
  ArchiveCopy copy(told, job.copy_fd);
  IndexApplier applier(job.ownership, budget);
  const auto index = applier.apply(copy, stop);
  UnpackedLayer layer;
  layer.needs_directory = applier.needs_directory();
  if (layer.needs_directory) return layer;
  if (!index.ok()) return what_is_wrong(job, *reader, index.error());
  TRY(copy.finish());
  layer.digests = TRY(reader->finish());
  layer.stats = applier.stats();
  layer.used = difference(budget.use(), job.used);
  const std::string list = encode_index(*index);
  layer.needs_directory = list.size() > kMostIndexBytes;
  if (!layer.needs_directory) TRY(base::write_all(job.list_fd, list));
  return layer;
}

}  // namespace

base::Result<UnpackedLayer> DirectUnpacker::unpack(const LayerJob& job, ParentGate& below,
                                                   const std::stop_token& stop) const {
  if (job.layer_fd < 0) return job.list_fd < 0 ? measure(job, stop) : make_index(job, stop);
  const base::UniqueFd root =
      TRY(base::open_beneath(job.layer_fd, "fs", O_RDONLY | O_DIRECTORY, base::Links::kRefuse));
  const base::UniqueFd record_file = TRY(create_file(job.layer_fd, kLayerRecordName));
  Budget budget(job.limits, job.used);
  const ParentView parents(job.parents, &below);
  const auto reader = TRY(LayerReader::open(job.source, budget));
  ToldStream told(*reader, budget, job);
  LayerRecorder recorder(told, record_file.get());
  LayerApplier applier(root.get(), parents, job.ownership, budget);
  const auto stats = applier.apply_recorded(recorder, stop);
  if (!stats.ok()) return what_is_wrong(job, *reader, stats.error());
  TRY(recorder.finish());
  UnpackedLayer layer;
  layer.digests = TRY(reader->finish());
  layer.stats = *stats;
  layer.used = difference(budget.use(), job.used);
  TRY(record(job, root.get(), recorder, applier, layer));
  return layer;
}

}  // namespace stagebox::images
