// resolve_docker_image: docker-archive, as `docker save` and `podman save` write it.
#include "images/archive/image_resolver.h"
#include "images/base/text.h"

namespace stagebox::images {
namespace {

// "ab..cd.json", "blobs/sha256/ab..cd", "ab..cd.tar": names that promise a digest.
std::optional<base::Digest> promised_digest(const std::string& name) {
  std::string_view last = name;
  last.remove_prefix(name.rfind('/') == std::string::npos ? 0 : name.rfind('/') + 1);
  const bool is_blob = name.starts_with("blobs/sha256/");
  if (!is_blob && !last.ends_with(".json")) return std::nullopt;
  const auto digest = base::Digest::from_hex(last.substr(0, base::Digest::kHexChars));
  return digest.ok() ? std::optional(*digest) : std::nullopt;
}

struct DockerCandidate {
  DockerImage image;
  std::string config_text;
};

base::Result<DockerCandidate> choose(std::vector<DockerCandidate> candidates,
                                     const Selection& selection) {
  std::vector<Choice> choices;
  for (const DockerCandidate& candidate : candidates) {
    choices.push_back(
        {candidate.image.names, {base::Sha256::of(candidate.config_text)}, choices.size()});
  }
  const std::size_t chosen = TRY(choose_image(choices, selection));
  return std::move(candidates[chosen]);
}

base::Result<std::vector<DockerCandidate>> read_candidates(ArchiveSource& source,
                                                           const Limits& limits) {
  const std::string text = TRY(read_document(source, "manifest.json", limits));
  auto images = parse_docker_manifest(text, limits);
  if (!images.ok()) return images.error().with_context("manifest.json");
  if (images->size() > limits.index_entries) return base::invalid("manifest.json is too long");
  std::vector<DockerCandidate> candidates;
  std::uint64_t bytes = 0;
  for (DockerImage& image : *images) {
    std::string config = TRY(read_document(source, image.config, limits));
    bytes += config.size();
    if (bytes > limits.documents_bytes) return base::invalid("the configs are too large");
    const auto promised = promised_digest(image.config);
    if (promised && base::Sha256::of(config) != *promised) {
      return base::invalid("the config " + quote(image.config) +
                           " is damaged or tampered with: its digest is " +
                           base::Sha256::of(config).oci());
    }
    candidates.push_back({std::move(image), std::move(config)});
  }
  return candidates;
}

base::Result<std::vector<LayerSource>> layers_of(ArchiveSource& source, const DockerImage& image,
                                                 const ConfigDocument& config) {
  std::vector<LayerSource> layers;
  for (const std::string& name : image.layers) {
    const std::string label = "layer " + std::to_string(layers.size() + 1) + " of " +
                              std::to_string(image.layers.size()) + " (" + quote(name) + ")";
    const auto range = TRY(source.find(name));
    if (!range) return base::invalid(label + " is missing" + source.remark());
    const base::Digest diff_id =
        layers.size() < config.diff_ids.size() ? config.diff_ids[layers.size()] : base::Digest();
    layers.push_back({label, *range, promised_digest(name), std::nullopt, diff_id});
  }
  return layers;
}

}  // namespace

base::Result<ResolvedImage> resolve_docker_image(ArchiveSource& source, const Selection& selection,
                                                 const Limits& limits) {
  std::vector<DockerCandidate> candidates = TRY(read_candidates(source, limits));
  if (candidates.empty()) return base::invalid("the archive has no image");
  DockerCandidate chosen = TRY(choose(std::move(candidates), selection));
  ResolvedImage image;
  auto config = parse_config(chosen.config_text, limits);
  if (!config.ok()) return config.error().with_context("the config " + quote(chosen.image.config));
  image.config = std::move(*config);
  image.config_text = std::move(chosen.config_text);
  TRY(check_platform(image.config.platform(), selection.platform));
  image.layers = TRY(layers_of(source, chosen.image, image.config));
  TRY(check_layers(image, limits));
  return image;
}

}  // namespace stagebox::images
