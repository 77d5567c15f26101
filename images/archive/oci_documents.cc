#include "images/archive/oci_documents.h"

#include <algorithm>
#include <array>

#include "images/archive/json_document.h"
#include "images/base/text.h"

namespace stagebox::images {
namespace {

constexpr const char* kOciIndex = "application/vnd.oci.image.index.v1+json";
constexpr const char* kOciManifest = "application/vnd.oci.image.manifest.v1+json";
constexpr const char* kOciConfig = "application/vnd.oci.image.config.v1+json";
constexpr const char* kOciTar = "application/vnd.oci.image.layer.v1.tar";
constexpr std::string_view kDockerIndex =
    "application/vnd.docker.distribution.manifest.list.v2+json";
constexpr std::string_view kDockerManifest = "application/vnd.docker.distribution.manifest.v2+json";
constexpr std::string_view kDockerConfig = "application/vnd.docker.container.image.v1+json";
constexpr std::array kNameAnnotations = {"org.opencontainers.image.ref.name",
                                         "io.containerd.image.name"};

base::Result<Platform> parse_platform(const Json& json) {
  Platform platform;
  platform.os = TRY(string_field(json, "os"));
  platform.architecture = TRY(string_field(json, "architecture"));
  platform.variant = TRY(string_field(json, "variant"));
  return platform;
}

base::Result<void> read_annotations(const Json& annotations, Descriptor& descriptor) {
  for (const char* key : kNameAnnotations) {
    std::string name = TRY(string_field(annotations, key));
    if (!name.empty()) descriptor.names.push_back(std::move(name));
  }
  descriptor.attestation =
      TRY(string_field(annotations, "vnd.docker.reference.type")) == "attestation-manifest";
  return {};
}

base::Result<Descriptor> parse_descriptor(const Json& json) {
  if (!json.is_object()) return base::invalid("a descriptor is not an object");
  Descriptor descriptor;
  descriptor.media_type = TRY(string_field(json, "mediaType"));
  const std::string digest = TRY(string_field(json, "digest"));
  descriptor.digest = TRY(base::Digest::from_oci(digest));
  descriptor.size = TRY(size_field(json, "size"));
  descriptor.artifact_type = TRY(string_field(json, "artifactType"));
  const Json* urls = TRY(array_field(json, "urls"));
  descriptor.has_urls = urls != nullptr && !urls->empty();
  const Json* platform = TRY(object_field(json, "platform"));
  if (platform != nullptr) descriptor.platform = TRY(parse_platform(*platform));
  const Json* annotations = TRY(object_field(json, "annotations"));
  if (annotations != nullptr) TRY(read_annotations(*annotations, descriptor));
  return descriptor;
}

base::Result<std::vector<Descriptor>> parse_descriptors(const Json& document, const char* key) {
  std::vector<Descriptor> descriptors;
  const Json* list = TRY(array_field(document, key));
  if (list == nullptr) return descriptors;
  for (const Json& json : *list) {
    auto descriptor = parse_descriptor(json);
    if (!descriptor.ok()) {
      return descriptor.error().with_context(std::string(key) + "[" +
                                             std::to_string(descriptors.size()) + "]");
    }
    descriptors.push_back(std::move(*descriptor));
  }
  return descriptors;
}

// A document that is an index to one reader and a manifest to another (CVE-2021-41190) is neither.
base::Result<void> check_media_type(const Json& document, const std::string& expected,
                                    bool (*is_right)(std::string_view)) {
  const std::string embedded = TRY(string_field(document, "mediaType"));
  if (!embedded.empty() && !is_right(embedded)) {
    return base::invalid("its mediaType is " + quote(embedded) + ", which does not belong here");
  }
  if (!embedded.empty() && !expected.empty() && embedded != expected) {
    return base::invalid("its mediaType is " + quote(embedded) + ", but it was referred to as " +
                         quote(expected));
  }
  if (document.contains("manifests") &&
      (document.contains("layers") || document.contains("config"))) {
    return base::invalid("it claims to be an index and a manifest at the same time");
  }
  return {};
}

base::Result<std::map<std::string, std::string>> parse_labels(const Json& config) {
  std::map<std::string, std::string> labels;
  const Json* json = TRY(object_field(config, "Labels"));
  if (json == nullptr) return labels;
  for (const auto& [key, value] : json->items()) {
    labels[key] = TRY(string_field(*json, key.c_str()));
  }
  return labels;
}

base::Result<void> parse_process(const Json& json, ImageConfig& config) {
  config.user = TRY(string_field(json, "User"));
  config.env = TRY(strings_field(json, "Env"));
  config.entrypoint = TRY(strings_field(json, "Entrypoint"));
  config.cmd = TRY(strings_field(json, "Cmd"));
  config.working_dir = TRY(string_field(json, "WorkingDir"));
  config.labels = TRY(parse_labels(json));
  return {};
}

base::Result<std::vector<base::Digest>> parse_diff_ids(const Json& document) {
  const Json* rootfs = TRY(object_field(document, "rootfs"));
  if (rootfs == nullptr) return base::invalid("it has no \"rootfs\"");
  const std::string type = TRY(string_field(*rootfs, "type"));
  if (type != "layers") {
    return base::invalid("its rootfs.type is " + quote(type) + " and not \"layers\"");
  }
  std::vector<base::Digest> diff_ids;
  const auto texts = TRY(strings_field(*rootfs, "diff_ids"));
  for (const std::string& text : texts) {
    const base::Digest diff_id = TRY(base::Digest::from_oci(text));
    diff_ids.push_back(diff_id);
  }
  return diff_ids;
}

}  // namespace

bool is_index_type(std::string_view media_type) {
  return media_type == kOciIndex || media_type == kDockerIndex;
}

bool is_manifest_type(std::string_view media_type) {
  return media_type == kOciManifest || media_type == kDockerManifest;
}

bool is_config_type(std::string_view media_type) {
  return media_type.empty() || media_type == kOciConfig || media_type == kDockerConfig;
}

std::string ManifestDocument::foreign_type() const {
  if (!artifact_type.empty()) return artifact_type;
  if (!is_config_type(config.media_type)) return config.media_type;
  // Signatures have an image's config, but nothing that could be a layer.
  const auto is_layer = [](const Descriptor& layer) {
    return layer.media_type.find(".tar") != std::string::npos ||
           layer.media_type.find(".layer.") != std::string::npos;
  };
  if (layers.empty() || std::ranges::any_of(layers, is_layer)) return "";
  return layers.front().media_type;
}

base::Result<std::vector<Descriptor>> parse_index(std::string_view text,
                                                  const std::string& media_type,
                                                  const Limits& limits) {
  const Json document = TRY(parse_json(text, limits));
  TRY(check_media_type(document, media_type, is_index_type));
  return parse_descriptors(document, "manifests");
}

base::Result<ManifestDocument> parse_manifest(std::string_view text, const std::string& media_type,
                                              const Limits& limits) {
  const Json document = TRY(parse_json(text, limits));
  TRY(check_media_type(document, media_type, is_manifest_type));
  const Json* config = TRY(object_field(document, "config"));
  if (config == nullptr) return base::invalid("it has no \"config\"");
  auto descriptor = parse_descriptor(*config);
  if (!descriptor.ok()) return descriptor.error().with_context("config");
  ManifestDocument result;
  result.config = std::move(*descriptor);
  result.layers = TRY(parse_descriptors(document, "layers"));
  result.artifact_type = TRY(string_field(document, "artifactType"));
  return result;
}

base::Result<ConfigDocument> parse_config(std::string_view text, const Limits& limits) {
  const Json document = TRY(parse_json(text, limits));
  ConfigDocument result;
  result.config.architecture = TRY(string_field(document, "architecture"));
  result.config.os = TRY(string_field(document, "os"));
  result.config.variant = TRY(string_field(document, "variant"));
  const Json* process = TRY(object_field(document, "config"));
  if (process != nullptr) TRY(parse_process(*process, result.config));
  result.diff_ids = TRY(parse_diff_ids(document));
  return result;
}

base::Result<std::vector<DockerImage>> parse_docker_manifest(std::string_view text,
                                                             const Limits& limits) {
  const Json document = TRY(parse_json(text, limits));
  if (document.is_object() && document.contains("schemaVersion")) {
    return base::invalid(
        "it is the manifest of one image, as in the directories that skopeo calls \"dir:\" and "
        "podman \"docker-dir\": save the image as an OCI archive or a docker-archive");
  }
  if (!document.is_array()) return base::invalid("it is not an array");
  std::vector<DockerImage> images;
  for (const Json& json : document) {
    DockerImage image;
    image.config = TRY(string_field(json, "Config"));
    image.names = TRY(strings_field(json, "RepoTags"));
    image.layers = TRY(strings_field(json, "Layers"));
    if (image.config.empty()) return base::invalid("an image has no \"Config\"");
    images.push_back(std::move(image));
  }
  return images;
}

std::string make_manifest(const base::Digest& config_digest, std::uint64_t config_size,
                          const std::vector<PlainLayer>& layers) {
  Json list = Json::array();
  for (const PlainLayer& layer : layers) {
    list.push_back(
        {{"mediaType", kOciTar}, {"digest", layer.diff_id.oci()}, {"size", layer.tar_bytes}});
  }
  const Json config = {
      {"mediaType", kOciConfig}, {"digest", config_digest.oci()}, {"size", config_size}};
  return Json{
      {"schemaVersion", 2}, {"mediaType", kOciManifest}, {"config", config}, {"layers", list}}
      .dump();
}

}  // namespace stagebox::images
