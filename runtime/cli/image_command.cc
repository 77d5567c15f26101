#include <nlohmann/json.hpp>

#include <filesystem>
#include <iomanip>
#include <iostream>
#include <stop_token>

#include "runtime/base/units.h"
#include "runtime/cli/commands.h"
#include "runtime/cli/exit_status.h"
#include "runtime/cli/import_display.h"
#include "runtime/cli/interrupts.h"
#include "runtime/cli/json_text.h"
#include "runtime/run/local_engine.h"
#include "runtime/run/stored_state.h"

namespace stagebox::cli {
namespace {

using base::Result;
using nlohmann::json;

json image_json(const images::Image& image) {
  json layers = json::array();
  for (const base::Digest& layer : image.diff_ids) layers.push_back(layer.oci());
  return {{"digest", image.manifest_digest.oci()},
          {"config", image.config_digest.oci()},
          {"architecture", image.config.architecture},
          {"os", image.config.os},
          {"layers", layers},
          {"size", image.size_bytes},
          {"user", image.config.user},
          {"env", image.config.env},
          {"entrypoint", image.config.entrypoint},
          {"cmd", image.config.cmd},
          {"workdir", image.config.working_dir},
          {"labels", image.config.labels}};
}

// "images/gcc.tar" is called "gcc" unless the user says otherwise.
std::string default_name(const std::string& source) {
  std::filesystem::path path = std::filesystem::path(source).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  return path.stem().string();
}

// "images.tar:debian:12" is the image "debian:12" of images.tar, unless there is a file of the
// whole name.
std::pair<std::string, std::string> split_source(const ImageImportOptions& options) {
  const std::string& source = options.source;
  std::error_code ignored;
  if (!options.reference.empty() || std::filesystem::exists(source, ignored)) {
    return {source, options.reference};
  }
  for (auto at = source.find(':'); at != std::string::npos; at = source.find(':', at + 1)) {
    if (std::filesystem::exists(source.substr(0, at), ignored)) {
      return {source.substr(0, at), source.substr(at + 1)};
    }
  }
  return {source, ""};
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ",") + name;
  return text.empty() ? "-" : text;
}

Result<images::Image> import_shown(const images::ImageStore& store, const std::string& source,
                                   images::ImportOptions wanted) {
  ImportDisplay display;
  run::WatchedImport watched(&display, source == "-" ? *wanted.name : source);
  wanted.progress = watched.progress();
  return store.import_archive(source, wanted);
}

}  // namespace

Result<int> image_import_command(const ImageImportOptions& options) {
  const auto [source, reference] = split_source(options);
  images::ImportOptions wanted;
  wanted.name = options.name.empty() ? default_name(source) : options.name;
  if (source == "-" && options.name.empty()) {
    return base::invalid("an image from standard input needs a name: use --name NAME");
  }
  if (options.is_rootfs) wanted.kind = images::ImportKind::kRootfs;
  if (!reference.empty()) wanted.reference = reference;
  if (!options.platform.empty()) wanted.platform = TRY(images::Platform::parse(options.platform));
  if (!options.digest.empty()) wanted.pinned = TRY(base::Digest::from_oci(options.digest));
  const auto engine = TRY(run::LocalEngine::open());
  std::stop_source stop;
  const Interrupts interrupts = TRY(Interrupts::watch([stop]() mutable { stop.request_stop(); }));
  wanted.stop = stop.get_token();
  const images::Image image = TRY(import_shown(engine->images(), source, wanted));
  if (options.format == OutputFormat::kJson) {
    json document = image_json(image);
    document["name"] = *wanted.name;
    std::cout << pretty(document);
  } else {
    std::cout << *wanted.name << "  " << image.manifest_digest.oci() << "  "
              << image.diff_ids.size() << " layers, " << base::format_bytes(image.size_bytes)
              << '\n';
  }
  return kSuccess;
}

Result<int> image_list_command(const ImageListOptions& options) {
  const images::ImageStore store = TRY(run::open_image_store());
  const auto stored = TRY(store.list());
  if (options.format == OutputFormat::kJson) {
    json document = json::array();
    for (const images::StoredImage& entry : stored) {
      document.push_back(image_json(entry.image));
      document.back()["names"] = entry.names;
    }
    std::cout << pretty(document);
    return kSuccess;
  }
  for (const images::StoredImage& entry : stored) {
    std::cout << entry.image.manifest_digest.hex().substr(0, 12) << "  " << std::setw(10)
              << base::format_bytes(entry.image.size_bytes) << "  " << joined(entry.names) << '\n';
  }
  return kSuccess;
}

Result<int> image_inspect_command(const ImageInspectOptions& options) {
  const images::ImageStore store = TRY(run::open_image_store());
  std::cout << pretty(image_json(TRY(store.find(options.image))));
  return kSuccess;
}

Result<int> image_remove_command(const ImageRemoveOptions& options) {
  const auto engine = TRY(run::LocalEngine::open());
  for (const std::string& image : options.images) {
    TRY(engine->images().remove(image));
    std::cout << "removed " << image << "; `stagebox gc` frees what no other image has\n";
  }
  return kSuccess;
}

}  // namespace stagebox::cli
