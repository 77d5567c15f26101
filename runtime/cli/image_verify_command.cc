// image verify and image export: what reads the image store to its last byte.
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <stop_token>

#include "runtime/base/files.h"
#include "runtime/base/printable.h"
#include "runtime/base/units.h"
#include "runtime/cli/commands.h"
#include "runtime/cli/exit_status.h"
#include "runtime/cli/interrupts.h"
#include "runtime/run/local_engine.h"

namespace stagebox::cli {
namespace {

using base::Result;
using nlohmann::json;

std::string dump(const json& document) {
  return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

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

void print_report(const images::VerifyReport& report) {
  for (const auto& damage : report.damages) {
    std::cout << "layer " << damage.layer.hex().substr(0, 12) << ": ";
    if (!damage.path.empty()) std::cout << base::printable(damage.path) << ": ";
    std::cout << damage.what << '\n';
  }
  std::cout << "verified " << report.layers << " layers, " << report.files << " files, "
            << base::format_bytes(report.bytes) << ": ";
  if (report.damages.empty()) {
    std::cout << "all as imported\n";
    return;
  }
  std::cout << report.damages.size() << " damaged; remedy: `stagebox image remove` the images, "
            << "`stagebox gc`, and import them again\n";
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
  if (std::filesystem::exists(options.destination, ignored)) {
    return base::invalid("\"" + options.destination + "\" exists; remove it or choose another");
  }
  const std::string partial = options.destination + ".partial";
  base::ScopeExit cleanup([&partial] { (void)::unlink(partial.c_str()); });
  const base::UniqueFd file =
      TRY(base::open_path(partial, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0644));
  TRY(store.export_archive(image, name, format, file.get(), stop));
  if (::fsync(file.get()) != 0) return base::errno_error("sync " + partial);
  if (std::rename(partial.c_str(), options.destination.c_str()) != 0) {
    return base::errno_error("rename " + partial + " to " + options.destination);
  }
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
  const auto engine = TRY(run::LocalEngine::open());
  const auto images = TRY(images_of(engine->images(), options.images));
  std::stop_source stop;
  const Interrupts interrupts = TRY(Interrupts::watch([stop]() mutable { stop.request_stop(); }));
  const auto report = TRY(engine->images().verify(images, stop.get_token()));
  if (options.format == OutputFormat::kJson) {
    std::cout << dump(report_json(report));
  } else {
    print_report(report);
  }
  return report.damages.empty() ? kSuccess : kOurFailure;
}

Result<int> image_export_command(const ImageExportOptions& options) {
  const auto engine = TRY(run::LocalEngine::open());
  const images::ImageStore& store = engine->images();
  const images::Image image = TRY(store.find(options.image));
  const std::string name = TRY(exported_name(store, image, options.image));
  std::stop_source stop;
  const Interrupts interrupts = TRY(Interrupts::watch([stop]() mutable { stop.request_stop(); }));
  TRY(export_to(store, image, name, options, stop.get_token()));
  return kSuccess;
}

}  // namespace stagebox::cli
