#include "runtime/run/state/artifact_export.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "runtime/base/files.h"
#include "runtime/base/printable.h"
#include "runtime/base/shortage.h"
#include "runtime/run/engine/unfinished_artifact.h"
#include "runtime/run/state/tree_tar.h"

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

struct Place {
  UniqueFd dir;
  std::string name;
};

Result<Place> find_place(const std::string& destination) {
  std::filesystem::path path(destination);
  // absolute() takes none that is empty.
  if (!path.empty()) path = std::filesystem::absolute(path).lexically_normal();
  if (path.filename().empty()) path = path.parent_path();  // "DEST/"
  if (path.filename().empty())
    return base::invalid(base::printable(destination) + " cannot be made; name a new path");
  Place place;
  auto dir = base::open_path(path.parent_path().string(), O_RDONLY | O_DIRECTORY);
  if (!dir.ok()) {
    if (base::is_shortage(dir.error().errno_value)) return dir.error();
    return base::invalid("the directory of " + base::printable(destination) +
                         " cannot be opened: " + base::errno_text(dir.error().errno_value));
  }
  place.dir = std::move(*dir);
  place.name = path.filename().string();
  if (::faccessat(place.dir.get(), place.name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0)
    return exists(destination);
  return place;
}

/// What is to be where.
struct Export {
  const store::ContentStore& content;
  const StoredOutput& output;
  ExportForm form;
  const std::string& destination;

  [[nodiscard]] bool is_tree() const {
    return form == ExportForm::kTree && output.kind == OutputKind::kDirectory;
  }
  [[nodiscard]] mode_t file_mode() const {
    const bool executable =
        form == ExportForm::kTree && output.executable == store::Executable::kYes;
    return executable ? 0755 : 0644;
  }
};

Result<void> write_file(const Export& wanted, int fd) {
  const StoredOutput& output = wanted.output;
  const bool is_plain = wanted.form == ExportForm::kTree && output.kind == OutputKind::kFile;
  TRY(is_plain ? wanted.content.fill_file(output.digest, output.executable, fd)
               : stream_artifact(wanted.content, output, wanted.form, fd));
  if (::fsync(fd) != 0) return base::errno_error("write it to the disk");
  return {};
}

Result<void> name_unnamed(const Place& place, int fd, const std::string& destination) {
  const int dir = place.dir.get();
  const char* const name = place.name.c_str();
  if (::linkat(fd, "", dir, name, AT_EMPTY_PATH) == 0) return {};
  // Without CAP_DAC_READ_SEARCH (open(2), O_TMPFILE).
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  if (errno == ENOENT && ::linkat(AT_FDCWD, path.c_str(), dir, name, AT_SYMLINK_FOLLOW) == 0)
    return {};
  if (errno == EEXIST) return exists(destination);
  return base::errno_error("give it its name");
}

Result<UniqueFd> make_dir(int dir, const std::string& name) {
  if (::mkdirat(dir, name.c_str(), 0755) != 0) return base::errno_error("create a directory there");
  return base::open_beneath(dir, name, O_RDONLY | O_DIRECTORY, base::Links::kRefuse);
}

Result<void> make_named(const Export& wanted, const NotedArtifact& noted, int dir) {
  if (wanted.is_tree()) {
    const UniqueFd target = TRY(make_dir(dir, noted.name()));
    TRY(noted.made(target.get()));
    return wanted.content.export_tree(wanted.output.digest, target.get());
  }
  const UniqueFd file = TRY(noted.make_file(wanted.file_mode()));
  return write_file(wanted, file.get());
}

Result<void> put_output(const store::ContentStore& content, const NamedOutput& named, int dir) {
  const StoredOutput& output = named.output;
  if (output.kind == OutputKind::kFile)
    return content.export_file(output.digest, output.executable, dir, named.name);
  const UniqueFd target = TRY(make_dir(dir, named.name));
  return content.export_tree(output.digest, target.get());
}

Result<void> rename_noted(const Place& place, const std::string& from,
                          const std::string& destination) {
  const int dir = place.dir.get();
  if (::renameat2(dir, from.c_str(), dir, place.name.c_str(), RENAME_NOREPLACE) == 0) return {};
  if (errno == EEXIST) return exists(destination);
  if (errno != EINVAL) return base::errno_error("give it its name");
  // A file system without RENAME_NOREPLACE: that nothing was there was looked at before.
  if (::renameat(dir, from.c_str(), dir, place.name.c_str()) == 0) return {};
  return base::errno_error("give it its name");
}

Result<void> with_destination(Result<void> result, const std::string& destination) {
  if (result.ok()) return result;
  return result.error().with_context("export to " + base::printable(destination));
}

// Under a name of ours until it is complete: `make` makes it.
template <typename Make>
Result<void> export_named(const store::Home& home, const Place& place,
                          const std::string& destination, const Make& make) {
  NotedArtifact noted = TRY(NotedArtifact::note(home, place.dir.get()));
  Result<void> result = with_destination(make(noted), destination);
  if (result.ok()) result = rename_noted(place, noted.name(), destination);
  auto forgotten = noted.forget();
  return result.ok() ? std::move(forgotten) : std::move(result);
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

Result<void> export_artifact(const store::Home& home, const store::ContentStore& content,
                             const StoredOutput& output, ExportForm form,
                             const std::string& destination) {
  const Place place = TRY(find_place(destination));
  const Export wanted{content, output, form, destination};
  const auto make = [&](const NotedArtifact& noted) {
    return make_named(wanted, noted, place.dir.get());
  };
  if (wanted.is_tree()) return export_named(home, place, destination, make);
  // Without any name until it is complete: then there is nothing that could be left.
  const UniqueFd file(
      ::openat(place.dir.get(), ".", O_RDWR | O_TMPFILE | O_CLOEXEC, wanted.file_mode()));
  if (!file) return export_named(home, place, destination, make);
  TRY(with_destination(write_file(wanted, file.get()), destination));
  return name_unnamed(place, file.get(), destination);
}

Result<void> export_artifacts(const store::Home& home, const store::ContentStore& content,
                              const std::vector<NamedOutput>& outputs,
                              const std::string& destination) {
  const Place place = TRY(find_place(destination));
  return export_named(home, place, destination, [&](const NotedArtifact& noted) -> Result<void> {
    const UniqueFd target = TRY(make_dir(place.dir.get(), noted.name()));
    TRY(noted.made(target.get()));
    for (const NamedOutput& named : outputs) {
      if (auto put = put_output(content, named, target.get()); !put.ok())
        return put.error().with_context(named.name);
    }
    return {};
  });
}

}  // namespace stagebox::run
