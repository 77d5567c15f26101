// Fuzzes a whole layer: the bytes are a tar archive that is unpacked above a layer of links and
// files. Whatever they are, nothing outside of the layer's directory changes; and what is accepted
// is in overlayfs form, gives the same archive again, and is as its snapshot says.
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "images/layer/layer_snapshot.h"
#include "images/layer/layer_unpacker.h"
#include "images/layer/parent_view.h"
#include "images/layer_check.h"
#include "images/tar/tar_header.h"
#include "runtime/base/files.h"
#include "tests/support/temp_dir.h"

namespace {

using namespace stagebox;
using namespace stagebox::images;

void require(bool condition) {
  if (!condition) std::abort();
}

std::uint64_t octal(const char* text, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size && text[i] >= '0' && text[i] <= '7'; ++i) {
    value = value * 8 + static_cast<std::uint64_t>(text[i] - '0');
  }
  return value;
}

// Mutated headers would all fail at their checksums and never reach what is behind these.
void mend_checksums(std::string& tar) {
  constexpr std::size_t kSizeField = 124;
  constexpr std::size_t kChecksumField = 148;
  std::uint64_t at = 0;
  while (at + kTarBlock <= tar.size()) {
    char* block = tar.data() + at;
    at += kTarBlock;
    const std::span<const char, kTarBlock> bytes(block, kTarBlock);
    if (is_zero_block(std::as_bytes(bytes))) continue;
    std::memset(block + kChecksumField, ' ', 8);
    unsigned sum = 0;
    for (const char byte : bytes) sum += static_cast<unsigned char>(byte);
    (void)std::snprintf(block + kChecksumField, 8, "%06o", sum);
    at += (octal(block + kSizeField, 11) + kTarBlock - 1) / kTarBlock * kTarBlock;
  }
}

/// What must not change, and where layers are unpacked.
class Place {
 public:
  Place() {
    for (const char* name : {"canary", "lower", "lower/d", "lower/d/e", "layer"}) make(name);
    for (const char* name : {"canary/file", "lower/f", "lower/d/f"}) write(name);
    require(::symlink("d", dir_.path("lower/l").c_str()) == 0);
    require(::symlink("../canary", dir_.path("lower/out").c_str()) == 0);
    lower_ = open("lower");
    before_ = changes();
  }

  base::UniqueFd fresh_layer() {
    require(base::remove_tree_at(dir_.fd(), "layer").ok());
    make("layer");
    make("layer/fs");
    return open("layer");
  }
  void check_surroundings(int layer_fd) {
    require(changes() == before_);
    const auto names = base::list_dir(layer_fd);
    require(names.ok() && names->size() <= 3);
    for (const std::string& name : *names) {
      require(name == "fs" || name == kLayerSnapshotName || name == "record.zst");
    }
  }
  [[nodiscard]] int lower() const { return lower_.get(); }

 private:
  using Change = std::pair<std::int64_t, std::int64_t>;

  void make(const std::string& name) { require(base::make_dir_at(dir_.fd(), name, 0755).ok()); }
  void write(const std::string& name) {
    require(base::replace_file_at(dir_.fd(), name, "content", 0644).ok());
  }
  base::UniqueFd open(const std::string& name) {
    auto fd = base::open_beneath(dir_.fd(), name, O_RDONLY | O_DIRECTORY, base::Links::kRefuse);
    require(fd.ok());
    return std::move(*fd);
  }
  // Nobody can set a change time.
  std::map<std::string, Change> changes() {
    std::map<std::string, Change> found;
    for (const char* name : {"canary", "canary/file", "lower", "lower/d", "lower/d/e", "lower/f",
                             "lower/d/f", "lower/l", "lower/out"}) {
      const auto status = base::stat_at(dir_.fd(), name);
      require(status.ok());
      found[name] = {status->st_ctim.tv_sec, status->st_ctim.tv_nsec};
    }
    return found;
  }

  testing::TempDir dir_;
  base::UniqueFd lower_;
  std::map<std::string, Change> before_;
};

class Open final : public ParentGate {
 public:
  base::Result<void> wait() override { return {}; }
};

LayerJob job_for(const std::string& tar, int layer_fd, int lower_fd) {
  base::UniqueFd file(::memfd_create("fuzz", MFD_CLOEXEC));
  require(base::write_all(file.get(), tar).ok());
  LayerJob job;
  job.source.label = "the layer";
  job.source.range = {std::make_shared<const base::UniqueFd>(std::move(file)), 0, tar.size()};
  job.source.compression = Compression::kNone;
  job.source.diff_id = base::Sha256::of(tar);
  job.layer_fd = layer_fd;
  job.parents = {lower_fd};
  if (::geteuid() != 0) job.ownership.mode = LayerOwnership::Mode::kSingle;
  job.limits.entries = 200;
  job.limits.expanded_bytes = 1UL << 20U;
  job.limits.header_bytes = 64UL << 10U;
  job.limits.path_depth = 16;
  return job;
}

// Whiteouts are the only devices, and none is in an opaque directory, where it would be seen.
void check_overlay_form(int layer_fd) {
  const auto root =
      base::open_beneath(layer_fd, "fs", O_RDONLY | O_DIRECTORY, base::Links::kRefuse);
  require(root.ok());
  const SnapshotWants everything{[](const std::string&) { return true; },
                                 [](const std::string&) { return true; }};
  std::vector<std::string> opaque;
  const auto walked =
      walk_snapshot(root->get(), everything, [&](const SnapshotEntry& entry) -> base::Result<void> {
        require(entry.type != 'b');
        if (entry.xattrs.contains(kOpaqueXattr)) opaque.push_back(entry.path + "/");
        if (entry.type != 'c') return {};
        require(entry.link == "0:0");
        for (const std::string& above : opaque) require(!entry.path.starts_with(above));
        return {};
      });
  require(walked.ok());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Place place;
  std::string tar(reinterpret_cast<const char*>(data), size);
  mend_checksums(tar);
  const base::UniqueFd layer = place.fresh_layer();
  const LayerJob job = job_for(tar, layer.get(), place.lower());
  Open gate;
  const auto unpacked = DirectUnpacker().unpack(job, gate, {});
  place.check_surroundings(layer.get());
  if (!unpacked.ok()) return 0;
  require(unpacked->digests.diff_id == job.source.diff_id);
  const auto checked = check_layer(layer.get(), job.source.diff_id, {});
  require(checked.ok() && checked->damages.empty() && checked->bytes == size);
  check_overlay_form(layer.get());
  return 0;
}
