#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <filesystem>
#include <iostream>
#include <stop_token>
#include <string_view>

#include "images/image_catalog.h"
#include "runtime/base/units.h"
#include "runtime/cli/commands.h"
#include "runtime/cli/exit_status.h"
#include "runtime/cli/image_listing.h"
#include "runtime/cli/import_display.h"
#include "runtime/cli/interrupts.h"
#include "runtime/cli/json_text.h"
#include "runtime/cli/limit_warning.h"
#include "runtime/run/engine/local_engine.h"
#include "runtime/run/state/stored_state.h"

namespace stagebox::cli {
namespace {

using base::Result;
using nlohmann::json;

// "images/gcc-14.2.tar.gz" is called "gcc-14.2" unless the user says otherwise.
std::string default_name(const std::string& source) {
  constexpr std::array<std::string_view, 7> kEndings{".tar",  ".oci", ".gz",  ".zst",
                                                     ".zstd", ".tgz", ".tzst"};
  std::filesystem::path path = std::filesystem::path(source).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  while (std::ranges::count(kEndings, path.extension().string()) != 0) path.replace_extension();
  return path.filename().string();
}

Result<std::string> name_of(const ImageImportOptions& options, const std::string& source) {
  if (!options.name.empty()) return options.name;
  if (source == "-") {
    return base::invalid("an image from standard input needs a name: use --name NAME");
  }
  std::string name = default_name(source);
  const auto is_fine = images::check_name(name);
  if (is_fine.ok()) return name;
  return base::invalid(is_fine.error().message + "; choose one with --name NAME");
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

Result<images::Image> import_shown(run::LocalEngine& engine, const std::string& source,
                                   images::ImportOptions wanted) {
  ImportDisplay display;
  display.tell_first(warning_of_lost_owners(*engine.ids()));
  run::WatchedImport watched(&display, source == "-" ? *wanted.name : source);
  wanted.progress = watched.progress();
  return engine.images().import_archive(source, wanted);
}

void print_removed(const std::string& image, const std::vector<std::string>& other_names) {
  std::cout << "removed " << image;
  if (other_names.empty()) {
    std::cout << "; `stagebox gc` frees what no other image has\n";
    return;
  }
  std::cout << "; the image is still called ";
  for (const std::string& name : other_names) {
    std::cout << (name == other_names.front() ? "" : ", ") << name;
  }
  std::cout << '\n';
}

}  // namespace

Result<int> image_import_command(const ImageImportOptions& options) {
  const auto [source, reference] = split_source(options);
  images::ImportOptions wanted;
  wanted.name = TRY(name_of(options, source));
  if (options.squash_ids) wanted.unmapped = images::LayerOwnership::Unmapped::kSquash;
  if (options.is_rootfs) wanted.kind = images::ImportKind::kRootfs;
  if (!reference.empty()) wanted.reference = reference;
  if (!options.platform.empty()) wanted.platform = TRY(images::Platform::parse(options.platform));
  if (!options.digest.empty()) wanted.pinned = TRY(base::Digest::from_oci(options.digest));
  const auto engine = TRY(run::LocalEngine::open());
  const std::stop_source stop;
  const Interrupts interrupts = TRY(Interrupts::watch([stop] { stop.request_stop(); }));
  wanted.stop = stop.get_token();
  const images::Image image = TRY(import_shown(*engine, source, wanted));
  if (options.format == OutputFormat::kJson) {
    json document = image_json(image);
    document["name"] = *wanted.name;
    std::cout << pretty(document);
  } else {
    std::cout << *wanted.name << "  " << image.manifest_digest.oci() << "  "
              << base::counted(image.diff_ids.size(), "layer") << ", "
              << base::format_bytes(image.size_bytes) << '\n';
  }
  return kSuccess;
}

Result<int> image_list_command(const ImageListOptions& options) {
  const images::ImageStore store = TRY(run::open_image_store());
  const auto stored = TRY(store.list());
  const auto details = store.details(stored);
  if (options.format == OutputFormat::kJson) {
    json document = json::array();
    for (std::size_t i = 0; i < stored.size(); ++i) {
      document.push_back(stored_image_json(stored[i], details[i]));
    }
    std::cout << pretty(document);
  } else {
    print_images(std::cout, stored, details);
  }
  return kSuccess;
}

Result<int> image_inspect_command(const ImageInspectOptions& options) {
  const images::ImageStore store = TRY(run::open_image_store());
  const images::Image wanted = TRY(store.find(options.image));
  const auto stored = TRY(store.list());
  const auto details = store.details(stored);
  for (std::size_t i = 0; i < stored.size(); ++i) {
    if (stored[i].image.manifest_digest != wanted.manifest_digest) continue;
    std::cout << pretty(stored_image_json(stored[i], details[i]));
    return kSuccess;
  }
  return base::not_found("the image was removed meanwhile");
}

Result<int> image_remove_command(const ImageRemoveOptions& options) {
  const auto engine = TRY(run::LocalEngine::open({.imports = run::Imports::kLater}));
  json document = json::array();
  for (const std::string& image : options.images) {
    const auto other_names = TRY(engine->images().remove(image));
    document.push_back({{"removed", image}});
    if (options.format != OutputFormat::kJson) print_removed(image, other_names);
  }
  if (options.format == OutputFormat::kJson) std::cout << pretty(document);
  return kSuccess;
}

}  // namespace stagebox::cli
