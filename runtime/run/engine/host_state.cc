#include "runtime/run/engine/host_state.h"

#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <string_view>
#include <utility>

namespace stagebox::run {

base::Result<store::Home> open_home_at(const std::string& path) {
  store::HomeRequest request;
  request.env = [path](std::string_view name) -> std::optional<std::string> {
    if (name == "STAGEBOX_HOME") return path;
    return std::nullopt;
  };
  request.uid = ::geteuid();
  return store::Home::open(request);
}

std::optional<store::Home> existing_home() {
  const auto path = store::Home::resolve(store::HomeRequest::of_process());
  if (!path.ok() || ::access(path->c_str(), F_OK) != 0) return std::nullopt;
  auto home = open_home_at(*path);
  return home.ok() ? std::optional(std::move(*home)) : std::nullopt;
}

base::Result<images::LayerForms> layer_forms() {
  const char* const said = ::getenv("STAGEBOX_LAYERS");
  const std::string_view text = said == nullptr ? "" : said;
  if (text.empty()) return images::LayerForms::kBySize;
  if (text == "erofs") return images::LayerForms::kErofs;
  if (text == "directories") return images::LayerForms::kDirectories;
  return base::invalid("STAGEBOX_LAYERS is \"" + std::string(text) +
                       "\"; it can be \"erofs\", \"directories\" or nothing, which means "
                       "directories for small layers only");
}

images::LayerOwnership layer_ownership(const sandbox::HostIds& ids) {
  images::LayerOwnership ownership;
  ownership.mode = ids.kind() == sandbox::HostIds::Kind::kSingle
                       ? images::LayerOwnership::Mode::kSingle
                       : images::LayerOwnership::Mode::kMapped;
  ownership.id_shift = ids.layer_shift();
  ownership.id_count = ids.layer_count();
  return ownership;
}

}  // namespace stagebox::run
