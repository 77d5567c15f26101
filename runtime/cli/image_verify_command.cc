// image verify and image export: what reads the image store to its last byte.
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <stop_token>

#include "runtime/base/files.h"
#include "runtime/base/printable.h"
#include "runtime/base/units.h"
#include "runtime/cli/commands.h"
#include "runtime/cli/exit_status.h"
#include "runtime/cli/import_display.h"
#include "runtime/cli/interrupts.h"
#include "runtime/cli/json_text.h"
#include "runtime/run/engine/local_engine.h"

namespace stagebox::cli {
namespace {

using base::Result;
using nlohmann::json;

Result<std::vector<images::Image>> images_of(const images::ImageStore& store,
                                             const std::vector<std::string>& names) {
  std::vector<images::Image> found;
  for (const std::string& name : names) found.push_back(TRY(store.find(name)));
  if (!names.empty()) return found;
  auto all = TRY(store.list());
  for (images::StoredImage& stored : all) found.push_back(std::move(stored.image));
  return found;
}

json report_json(const images::VerifyReport& report) {
  json damages = json::array();
  for (const auto& damage : report.damages) {
    damages.push_back(
        {{"layer", damage.layer.oci()}, {"path", damage.path}, {"what", damage.what}});
  }
  return {{"layers", report.layers},
          {"files", report.files},
          {"bytes", report.bytes},
          {"damages", damages}};
}

void print_damages(const images::VerifyReport& report) {
  for (const auto& damage : report.damages) {
    std::cout << "layer " << damage.layer.hex().substr(0, 12) << ": ";
    if (!damage.path.empty()) std::cout << base::printable(damage.path) << ": ";
    std::cout << damage.what << '\n';
  }
}

void print_report(const images::VerifyReport& report) {
  print_damages(report);
  std::cout << "verified " << base::counted(report.layers, "layer") << ", "
            << base::counted(report.files, "file") << ", " << base::format_bytes(report.bytes)
            << ": ";
  if (report.damages.empty()) {
    std::cout << "all as imported\n";
    return;
  }
  std::cout << report.damages.size() << " damaged; remedy: `stagebox image verify IMAGE --repair "
            << "ARCHIVE` with the archive that the image came from\n";
}

// The archive has to hold the very image; of its layers the damaged ones are unpacked again, and
// each is exchanged for the old one when all of it is on disk.
Result<void> repair(const images::ImageStore& store, const images::Image& image,
                    const images::VerifyReport& report, const std::string& archive,
                    const std::stop_token& stop) {
  ImportDisplay display;
  run::WatchedImport watched(&display, archive);
  images::ImportOptions options;
  // The config: an archive that was exported has another manifest.
  options.pinned = image.config_digest;
  options.platform = {image.config.os, image.config.architecture, image.config.variant};
  options.unmapped = images::LayerOwnership::Unmapped::kSquash;  // what was imported was allowed
  for (const auto& damage : report.damages) options.replaced.insert(damage.layer);
  options.stop = stop;
  options.progress = watched.progress();
  TRY(store.import_archive(archive, options));
  return {};
}

base::Error exists(const std::string& destination) {
  return base::invalid("\"" + destination + "\" exists; remove it or choose another");
}

// A destination that came to be meanwhile is not replaced; where the file system cannot say so
// (EINVAL), it is.
Result<void> give_name(const std::string& partial, const std::string& destination) {
  const char* from = partial.c_str();
  const char* to = destination.c_str();
  if (::renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) return {};
  if (errno == EEXIST) return exists(destination);
  if (errno == EINVAL && std::rename(from, to) == 0) return {};
  return base::errno_error("rename " + partial + " to " + destination);
}

// Writes beside the destination, which gets its name when all of it is there.
Result<void> export_to(const images::ImageStore& store, const images::Image& image,
                       const std::string& name, const ImageExportOptions& options,
                       const std::stop_token& stop) {
  const auto format =
      options.is_docker ? images::ExportFormat::kDockerArchive : images::ExportFormat::kOciArchive;
  if (options.destination == "-") {
    return store.export_archive(image, name, format, STDOUT_FILENO, stop);
  }
  std::error_code ignored;
  if (std::filesystem::exists(options.destination, ignored)) return exists(options.destination);
  // Of this process: another export may write there too.
  const std::string partial = options.destination + ".partial-" + std::to_string(::getpid());
  const base::UniqueFd file =
      TRY(base::open_path(partial, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644));
  base::ScopeExit cleanup([&partial] { (void)::unlink(partial.c_str()); });
  TRY(store.export_archive(image, name, format, file.get(), stop));
  if (::fsync(file.get()) != 0) return base::errno_error("sync " + partial);
  TRY(give_name(partial, options.destination));
  cleanup.dismiss();
  return {};
}

// What the user calls it, if that is a name and no digest.
Result<std::string> exported_name(const images::ImageStore& store, const images::Image& image,
                                  const std::string& wanted) {
  const auto all = TRY(store.list());
  for (const images::StoredImage& stored : all) {
    if (stored.image.manifest_digest != image.manifest_digest) continue;
    if (std::ranges::find(stored.names, wanted) != stored.names.end()) return wanted;
  }
  return std::string();
}

}  // namespace

Result<int> image_verify_command(const ImageVerifyOptions& options) {
  if (!options.repair_from.empty() && options.images.size() != 1) {
    return base::invalid("--repair needs the one IMAGE that the archive is of");
  }
  const auto engine = TRY(run::LocalEngine::open());
  const auto images = TRY(images_of(engine->images(), options.images));
  const std::stop_source stop;
  const Interrupts interrupts = TRY(Interrupts::watch([stop] { stop.request_stop(); }));
  auto report = TRY(engine->images().verify(images, stop.get_token()));
  if (!options.repair_from.empty() && !report.damages.empty()) {
    if (options.format != OutputFormat::kJson) print_damages(report);
    TRY(repair(engine->images(), images.front(), report, options.repair_from, stop.get_token()));
    report = TRY(engine->images().verify(images, stop.get_token()));
  }
  if (options.format == OutputFormat::kJson) {
    std::cout << pretty(report_json(report));
  } else {
    print_report(report);
  }
  return report.damages.empty() ? kSuccess : kOurFailure;
}

Result<int> image_export_command(const ImageExportOptions& options) {
  const auto engine = TRY(run::LocalEngine::open({.imports = run::Imports::kLater}));
  const images::ImageStore& store = engine->images();
  const images::Image image = TRY(store.find(options.image));
  const std::string name = TRY(exported_name(store, image, options.image));
  const std::stop_source stop;
  const Interrupts interrupts = TRY(Interrupts::watch([stop] { stop.request_stop(); }));
  TRY(export_to(store, image, name, options, stop.get_token()));
  if (options.format == OutputFormat::kJson && options.destination != "-") {
    std::cout << pretty({{"image", image.manifest_digest.oci()},
                         {"name", name},
                         {"archive", options.destination},
                         {"format", options.is_docker ? "docker-archive" : "oci-archive"}});
  }
  return kSuccess;
}

}  // namespace stagebox::cli
