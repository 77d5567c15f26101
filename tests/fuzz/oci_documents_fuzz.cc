// Fuzzes the parsers of an image's JSON documents: whatever the bytes are, they answer within the
// limits; what they accept has digests that are safe as file names and strings without NUL bytes;
// and a document is never an index and a manifest at the same time.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "images/archive/image_choice.h"
#include "images/archive/oci_documents.h"

namespace {

using namespace stagebox;
using namespace stagebox::images;

// Not assert(): it must hold in release builds too.
void require(bool condition) {
  if (!condition) std::abort();
}

void check_text(const std::string& text) { require(text.find('\0') == std::string::npos); }

void check_descriptor(const Descriptor& descriptor) {
  const auto again = base::Digest::from_oci(descriptor.digest.oci());
  require(again.ok() && *again == descriptor.digest);
  check_text(descriptor.media_type);
  for (const std::string& name : descriptor.names) {
    check_text(name);
    require(reference_means(name, name));
  }
}

void check_config(const ConfigDocument& config) {
  check_text(config.config.user);
  check_text(config.config.working_dir);
  for (const std::string& variable : config.config.env) check_text(variable);
  for (const std::string& word : config.config.entrypoint) check_text(word);
  for (const std::string& word : config.config.cmd) check_text(word);
  require(config.platform().accepts(config.platform()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Limits limits;
  limits.json_values = 10'000;
  const auto index = parse_index(text, "", limits);
  if (index.ok()) std::ranges::for_each(*index, check_descriptor);
  const auto manifest = parse_manifest(text, "", limits);
  if (manifest.ok()) {
    check_descriptor(manifest->config);
    std::ranges::for_each(manifest->layers, check_descriptor);
  }
  if (index.ok() && manifest.ok()) require(index->empty());
  const auto config = parse_config(text, limits);
  if (config.ok()) check_config(*config);
  const auto docker = parse_docker_manifest(text, limits);
  if (docker.ok()) {
    for (const DockerImage& image : *docker) require(!image.config.empty());
  }
  return 0;
}
