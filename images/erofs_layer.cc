#include "images/erofs_layer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "images/erofs_mount.h"
#include "images/layer/erofs_writer.h"
#include "images/layer/index_settler.h"
#include "images/layer/layer_form.h"
#include "images/layer/layer_record.h"
#include "images/layer/parent_view.h"
#include "images/stream/spool.h"
#include "images/stream/zstd_writer.h"
#include "runtime/base/files.h"

namespace stagebox::images {
namespace {

using base::Result;
using base::UniqueFd;

Result<UniqueFd> create_file(int dir_fd, const char* name) {
  return base::open_beneath(dir_fd, name, O_RDWR | O_CREAT | O_EXCL, base::Links::kRefuse, 0600);
}

// Its length is the only thing about it that counts here. Whole blocks: the last file's may be cut.
Result<void> settle_archive(int archive_fd, std::uint64_t bytes) {
  const struct stat status = TRY(base::stat_fd(archive_fd));
  if (static_cast<std::uint64_t>(status.st_size) != bytes) {
    return base::invalid("the process that unpacked it wrote another archive than it says");
  }
  const std::uint64_t blocks = (bytes + kArchiveBlock - 1) / kArchiveBlock;
  if (blocks * kArchiveBlock == bytes) return {};
  if (::ftruncate(archive_fd, static_cast<off_t>(blocks * kArchiveBlock)) != 0) {
    return base::errno_error("set the size of an archive");
  }
  return {};
}

// The checksums of all files' content, in the order of the archive: see StoredTar.
Result<void> write_record(int layer_fd, const LayerIndex& index, std::uint64_t archive_bytes) {
  struct Part {
    const FileExtent* extent;
    std::uint32_t node;
  };
  std::vector<Part> parts;
  for (std::uint32_t i = 0; i < index.nodes.size(); ++i) {
    for (const FileExtent& extent : index.nodes[i].extents) parts.push_back({&extent, i});
  }
  std::ranges::sort(parts, {}, [](const Part& part) { return part.extent->archive_offset; });
  const UniqueFd file = TRY(create_file(layer_fd, kLayerRecordName));
  ZstdWriter writer(file.get());
  for (const Part& part : parts) {
    RecordPiece piece;
    piece.kind = RecordPiece::Kind::kFile;
    piece.path = index_path(index, part.node);
    piece.file_offset = part.extent->archive_offset;
    piece.length = part.extent->length;
    piece.crc = index.nodes[part.node].crc;
    TRY(writer.append(encode_piece(piece)));
  }
  RecordPiece end;
  end.length = archive_bytes;
  TRY(writer.append(encode_piece(end)));
  return writer.finish();
}

Result<void> write_index(int layer_fd, const std::vector<std::byte>& image) {
  const UniqueFd file = TRY(create_file(layer_fd, kLayerIndex));
  return base::write_all(file.get(), image);
}

base::Digest digest_of(const std::vector<std::byte>& image) {
  return base::Sha256::of({reinterpret_cast<const char*>(image.data()), image.size()});
}

std::uint64_t names_in(const LayerIndex& index) {
  return static_cast<std::uint64_t>(std::ranges::count(index.nodes, false, &IndexNode::is_dropped));
}

Result<void> make_empty(int layer_fd) {
  if (::unlinkat(layer_fd, kLayerArchive, 0) == 0) return {};
  return base::errno_error("remove an archive");
}

// Whoever wrote the two files is dead. The archive is not looked into.
Result<LayerIndex> checked_index(const LayerJob& job, std::uint64_t archive_bytes) {
  TRY(settle_archive(job.copy_fd, archive_bytes));
  if (::lseek(job.list_fd, 0, SEEK_SET) != 0) return base::errno_error("read a list of names");
  const std::string bytes = TRY(base::read_all(job.list_fd, kMostIndexBytes));
  return decode_index(std::as_bytes(std::span(bytes)), archive_bytes, job.ownership, job.limits);
}

Result<void> write_down(int layer_fd, const LayerIndex& index, MadeErofsLayer& made) {
  const auto image = write_erofs(index, made.info.tar_bytes);
  made.info.erofs = ErofsForm{digest_of(image), names_in(index)};
  TRY(write_index(layer_fd, image));
  TRY(write_record(layer_fd, index, made.info.tar_bytes));
  made.root = TRY(open_layer_root(layer_fd));
  return {};
}

}  // namespace

Result<void> can_store_erofs(const LayerOwnership& ownership, int dir_fd) {
  // Then the ids on disk would have to be others than the image's; and who has such ids may not
  // mount anything either.
  if (ownership.mode != LayerOwnership::Mode::kMapped || ownership.id_shift != 0) {
    return base::unsupported("only root can mount EROFS images");
  }
  return probe_erofs(dir_fd);
}

Result<std::optional<MadeErofsLayer>> make_erofs_layer(
    int layer_fd, LayerJob job, const LayerUnpacker& unpacker,
    const std::function<Result<std::vector<int>>()>& below, const std::stop_token& stop) {
  const UniqueFd archive = TRY(create_file(layer_fd, kLayerArchive));
  const UniqueFd list = TRY(unnamed_file(layer_fd));
  job.layer_fd = -1;
  job.parents.clear();
  job.copy_fd = archive.get();
  job.list_fd = list.get();
  NothingBelow nothing;  // nobody waits: the unpacker gets no layers below
  const UnpackedLayer found = TRY(unpacker.unpack(job, nothing, stop));
  if (found.needs_directory) {
    TRY(make_empty(layer_fd));
    return std::optional<MadeErofsLayer>();
  }
  TRY(check_digests(job.source, found.digests));
  auto index = checked_index(job, found.digests.tar_bytes);
  if (!index.ok()) return index.error().with_context(job.source.label);
  MadeErofsLayer made;
  made.used = found.used;
  made.info = {job.source.diff_id, found.digests.blob, found.digests.tar_bytes, found.stats, {}};
  std::vector<int> layers;
  if (asks_below(*index)) layers = TRY(below());
  TRY(settle_index(*index, ParentView(layers), job.ownership, made.info.stats));
  TRY(write_down(layer_fd, *index, made));
  return std::optional(std::move(made));
}

}  // namespace stagebox::images
