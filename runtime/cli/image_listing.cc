#include "runtime/cli/image_listing.h"

#include <nlohmann/json.hpp>
#include <time.h>

#include <array>
#include <chrono>
#include <iomanip>

#include "runtime/base/joined.h"
#include "runtime/base/units.h"

namespace stagebox::cli {
namespace {

using nlohmann::json;

// In UTC, and of RFC 3339's form; empty when there is none.
std::string time_text(const std::optional<images::TimePoint>& time) {
  if (!time) return "";
  const std::time_t seconds = std::chrono::system_clock::to_time_t(*time);
  struct tm parts{};
  std::array<char, 32> text{};
  if (::gmtime_r(&seconds, &parts) == nullptr) return "";
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

json time_json(const std::string& text) { return text.empty() ? json() : json(text); }

json layer_json(const images::LayerDetails& layer) {
  return {{"diff_id", layer.diff_id.oci()},
          {"size", layer.bytes},
          {"images", layer.images},
          {"entries", layer.entries},
          {"skipped_devices", layer.skipped_devices},
          {"dropped_attributes", layer.dropped_xattrs},
          {"degraded_attributes", layer.degraded_xattrs},
          {"squashed_ids", layer.squashed_ids}};
}

std::string names_or_dash(const std::vector<std::string>& names) {
  const std::string text = base::joined(names, ",");
  return text.empty() ? "-" : text;
}

// "2026-11-24 13:05" of a time in RFC 3339's form.
std::string minute_of(std::string text) {
  constexpr std::size_t kDate = 10;
  constexpr std::size_t kToMinutes = 16;
  if (text.size() < kToMinutes) return "-";
  text.resize(kToMinutes);
  text[kDate] = ' ';
  return text;
}

struct Columns {
  std::string digest, size, shared, unique, created, imported, used, names;
};

void print_row(std::ostream& out, const Columns& row) {
  out << std::left << std::setw(14) << row.digest << std::right << std::setw(10) << row.size
      << std::setw(10) << row.shared << std::setw(10) << row.unique << std::left << "  "
      << std::setw(18) << row.created << std::setw(18) << row.imported << std::setw(18) << row.used
      << row.names << '\n';
}

}  // namespace

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

json stored_image_json(const images::StoredImage& stored, const images::ImageDetails& details) {
  json document = image_json(stored.image);
  document["names"] = stored.names;
  document["shared_size"] = details.shared_bytes;
  document["unique_size"] = details.unique_bytes;
  document["created"] = time_json(details.created);
  document["imported"] = time_json(time_text(details.imported));
  document["last_used"] = time_json(time_text(details.last_used));
  json layers = json::array();
  for (const images::LayerDetails& layer : details.layers) layers.push_back(layer_json(layer));
  document["layer_details"] = layers;
  return document;
}

void print_images(std::ostream& out, const std::vector<images::StoredImage>& images,
                  const std::vector<images::ImageDetails>& details) {
  if (images.empty()) return;
  print_row(out, {"IMAGE", "SIZE", "SHARED", "UNIQUE", "CREATED", "IMPORTED", "USED", "NAMES"});
  for (std::size_t i = 0; i < images.size(); ++i) {
    const images::ImageDetails& one = details[i];
    print_row(out, {images[i].image.manifest_digest.hex().substr(0, 12),
                    base::format_bytes(images[i].image.size_bytes),
                    base::format_bytes(one.shared_bytes), base::format_bytes(one.unique_bytes),
                    minute_of(one.created), minute_of(time_text(one.imported)),
                    minute_of(time_text(one.last_used)), names_or_dash(images[i].names)});
  }
}

}  // namespace stagebox::cli
