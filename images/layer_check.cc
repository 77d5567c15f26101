#include "images/layer_check.h"

#include <fcntl.h>

#include <cerrno>
#include <map>
#include <string>

#include "images/archive/archive_source.h"
#include "images/layer/layer_form.h"
#include "images/layer/layer_snapshot.h"
#include "images/layer_store.h"
#include "runtime/base/files.h"

namespace stagebox::images {
namespace {

constexpr const char* kRecordIsDamaged =
    "what the store knows about the layer is damaged or missing: it cannot be verified";

constexpr const char* kArchiveIsDamaged =
    "the archive that it came from has changed, though not the content of any file";

class Checker {
 public:
  Checker(int layer_fd, const base::Digest& diff_id, const std::stop_token& stop)
      : layer_fd_(layer_fd), diff_id_(diff_id), stop_(stop) {}

  base::Result<LayerCheck> run() {
    TRY(check_archive());
    const auto root = base::stat_at(layer_fd_, kLayerFiles);
    const bool is_directory = root.ok() || root.error().errno_value != ENOENT;
    TRY(is_directory ? check_names() : check_index());
    // Every file is as it was, and yet the archive is another: then the record is not right, or
    // what lies between the files.
    if (damages_.empty() && !is_right_archive_) {
      note("", is_directory ? kRecordIsDamaged : kArchiveIsDamaged);
    }
    for (auto& [path, what] : damages_) result_.damages.push_back({path, std::move(what)});
    return std::move(result_);
  }

 private:
  void note(const std::string& path, const std::string& what) {
    std::string& all = damages_[path];
    all += (all.empty() ? "" : ", ") + what;
  }

  // Our own files are damaged: that is a finding, not a failure.
  base::Result<void> note_record(const base::Error& error) {
    const bool is_finding = error.kind == base::ErrorKind::kCorrupt ||
                            error.kind == base::ErrorKind::kNotFound ||
                            error.kind == base::ErrorKind::kInvalid;
    if (!is_finding) return error;
    damages_[""] = kRecordIsDamaged;
    return {};
  }

  base::Result<void> check_archive() {
    const auto tar = LayerTar::open(layer_fd_);
    if (!tar.ok()) return note_record(tar.error());
    base::Sha256 hash;
    for (;;) {
      if (stop_.stop_requested()) return base::cancelled("the verification was interrupted");
      const auto piece = (*tar)->next();
      if (!piece.ok()) return note_record(piece.error());
      if (piece->empty()) break;
      hash.update(*piece);
      result_.bytes += piece->size();
    }
    is_right_archive_ = hash.finish() == diff_id_;
    for (const LayerDamage& damage : (*tar)->damages()) note(damage.path, damage.what);
    return {};
  }

  base::Result<void> check_names() {
    auto stored = read_snapshot(layer_fd_, kLayerSnapshotName);
    if (!stored.ok()) return note_record(stored.error());
    std::map<std::string, SnapshotEntry> then;
    for (SnapshotEntry& entry : *stored) then.emplace(entry.path, std::move(entry));
    const base::UniqueFd root =
        TRY(base::open_beneath(layer_fd_, "fs", O_RDONLY | O_DIRECTORY, base::Links::kRefuse));
    const auto wants_checksum = [&then](const std::string& path) {
      const auto known = then.find(path);
      return known != then.end() && known->second.crc.has_value();
    };
    const SnapshotWants wants{wants_checksum, [](const std::string&) { return true; }};
    TRY(walk_snapshot(root.get(), wants,
                      [&](const SnapshotEntry& now) { return compare(now, then); }));
    for (const auto& [path, entry] : then) {
      if (!damages_.contains(path)) note(path, "it is missing");
    }
    return {};
  }

  base::Result<void> check_index() {
    const auto info = read_layer_info(layer_fd_);
    if (!info.ok()) return note_record(info.error());
    const auto file = base::open_beneath(layer_fd_, kLayerIndex, O_RDONLY, base::Links::kRefuse);
    if (!file.ok() && file.error().errno_value != ENOENT) return file.error();
    bool is_right = file.ok() && info->erofs && info->diff_id == diff_id_;
    if (is_right) {
      base::Sha256 hash;
      base::UniqueFd own = TRY(base::duplicate(file->get()));
      RangeStream stream(TRY(whole_file(std::move(own))));
      for (auto piece = TRY(stream.next()); !piece.empty(); piece = TRY(stream.next())) {
        hash.update(piece);
      }
      is_right = hash.finish() == info->erofs->index;
      result_.files = info->erofs->names;
    }
    if (!is_right) note("", "the names and attributes of its files have changed");
    return {};
  }

  // What was found is taken out of `then`; what stays there is missing.
  base::Result<void> compare(const SnapshotEntry& now, std::map<std::string, SnapshotEntry>& then) {
    if (stop_.stop_requested()) return base::cancelled("the verification was interrupted");
    ++result_.files;
    const auto known = then.find(now.path);
    if (known == then.end()) {
      note(now.path, "it was not imported");
      return {};
    }
    const std::string difference = describe_difference(known->second, now);
    if (!difference.empty()) note(now.path, difference);
    then.erase(known);
    return {};
  }

  int layer_fd_;
  const base::Digest& diff_id_;
  const std::stop_token& stop_;
  LayerCheck result_;
  bool is_right_archive_ = false;
  std::map<std::string, std::string> damages_;
};

}  // namespace

base::Result<LayerCheck> check_layer(int layer_fd, const base::Digest& diff_id,
                                     const std::stop_token& stop) {
  return Checker(layer_fd, diff_id, stop).run();
}

}  // namespace stagebox::images
