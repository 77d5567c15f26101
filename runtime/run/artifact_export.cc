#include "runtime/run/artifact_export.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "runtime/base/files.h"
#include "runtime/base/printable.h"
#include "runtime/base/random_id.h"
#include "runtime/run/tree_tar.h"

namespace stagebox::run {
namespace {

using base::Result;
using base::UniqueFd;
using store::OutputKind;
using store::StoredOutput;

base::Error exists(const std::string& destination) {
  return base::invalid(base::printable(destination) +
                       " exists already; remove it, or choose another destination");
}

/// Where the artifact is to be, and the name it has until it is complete.
struct Place {
  UniqueFd dir;
  std::string name;
  std::string unfinished;
};

Result<Place> find_place(const std::string& destination) {
  std::filesystem::path path = std::filesystem::absolute(destination).lexically_normal();
  if (path.filename().empty()) path = path.parent_path();  // "DEST/"
  Place place;
  auto dir = base::open_path(path.parent_path().string(), O_RDONLY | O_DIRECTORY);
  if (!dir.ok()) {
    return base::invalid("the directory of " + base::printable(destination) +
                         " cannot be opened: " + base::errno_text(dir.error().errno_value));
  }
  place.dir = std::move(*dir);
  place.name = path.filename().string();
  const std::string id = TRY(base::random_hex(12));
  place.unfinished = ".stagebox-" + id + ".part";
  if (::faccessat(place.dir.get(), place.name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0)
    return exists(destination);
  return place;
}

Result<void> write_file(const store::ContentStore& content, const StoredOutput& output,
                        ExportForm form, const Place& place) {
  const bool executable = form == ExportForm::kTree && output.executable == store::Executable::kYes;
  const UniqueFd file(::openat(place.dir.get(), place.unfinished.c_str(),
                               O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                               executable ? 0755 : 0644));
  if (!file) return base::errno_error("create a file there");
  TRY(stream_artifact(content, output, form, file.get()));
  if (::fsync(file.get()) != 0) return base::errno_error("write it to the disk");
  return {};
}

Result<void> write_tree(const store::ContentStore& content, const StoredOutput& output,
                        const Place& place) {
  if (::mkdirat(place.dir.get(), place.unfinished.c_str(), 0755) != 0)
    return base::errno_error("create a directory there");
  const UniqueFd target = TRY(base::open_beneath(place.dir.get(), place.unfinished,
                                                 O_RDONLY | O_DIRECTORY, base::Links::kRefuse));
  return content.export_tree(output.digest, target.get());
}

Result<void> finish(const Place& place, const std::string& destination) {
  const int dir = place.dir.get();
  if (::renameat2(dir, place.unfinished.c_str(), dir, place.name.c_str(), RENAME_NOREPLACE) == 0)
    return {};
  if (errno == EEXIST) return exists(destination);
  if (errno != EINVAL) return base::errno_error("give it its name");
  // A file system without RENAME_NOREPLACE: that nothing was there was looked at before.
  if (::renameat(dir, place.unfinished.c_str(), dir, place.name.c_str()) == 0) return {};
  return base::errno_error("give it its name");
}

}  // namespace

Result<void> check_destination(const std::string& destination) {
  TRY(find_place(destination));
  return {};
}

Result<void> stream_artifact(const store::ContentStore& content, const StoredOutput& output,
                             ExportForm form, int fd) {
  if (form == ExportForm::kTar) return write_tar(content, output, fd);
  if (output.kind == OutputKind::kFile)
    return content.write_file(output.digest, output.executable, fd);
  return base::invalid("the output " + output.name +
                       " is a directory; only an archive of it can be written there: add --tar");
}

Result<void> export_artifact(const store::ContentStore& content, const StoredOutput& output,
                             ExportForm form, const std::string& destination) {
  const Place place = TRY(find_place(destination));
  const base::ScopeExit cleanup(
      [&place] { (void)base::remove_tree_at(place.dir.get(), place.unfinished); });
  const bool tree = form == ExportForm::kTree && output.kind == OutputKind::kDirectory;
  const auto written =
      tree ? write_tree(content, output, place) : write_file(content, output, form, place);
  if (!written.ok())
    return written.error().with_context("export to " + base::printable(destination));
  return finish(place, destination);
}

}  // namespace stagebox::run
