// resolve_oci_image: through the index (and the indexes in it) to one manifest.
#include <algorithm>
#include <map>
#include <set>

#include "images/archive/image_resolver.h"
#include "images/base/text.h"

namespace stagebox::images {
namespace {

std::string blob_name(const base::Digest& digest) { return "blobs/sha256/" + digest.hex(); }

base::Result<FileRange> find_blob(ArchiveSource& source, const Descriptor& descriptor,
                                  const std::string& what) {
  const std::string name = blob_name(descriptor.digest);
  const auto range = TRY(source.find(name));
  if (!range && descriptor.has_urls) {
    return base::invalid(what + " (" + name +
                         ") is a foreign layer, which is kept elsewhere and not in the archive; "
                         "save the image with its foreign layers");
  }
  if (!range) return base::invalid(what + " (" + name + ") is missing" + source.remark());
  if (range->size != descriptor.size) {
    const char* how = range->size < descriptor.size ? "truncated" : "tampered with";
    return base::invalid(what + " (" + name + ") is " + how + ": it has " +
                         std::to_string(range->size) + " bytes and should have " +
                         std::to_string(descriptor.size));
  }
  return *range;
}

base::Result<std::string> read_blob(ArchiveSource& source, const Descriptor& descriptor,
                                    const std::string& what, const Limits& limits) {
  const FileRange range = TRY(find_blob(source, descriptor, what));
  auto text = read_whole_range(range, limits.json_bytes);
  if (!text.ok()) return text.error().with_context(what);
  const base::Digest found = base::Sha256::of(*text);
  if (found != descriptor.digest) {
    return base::invalid(what + " (" + blob_name(descriptor.digest) +
                         ") is damaged or tampered with: its digest is " + found.oci());
  }
  return text;
}

struct Candidate {
  base::Digest digest;
  std::vector<std::string> names;
  std::size_t position = 0;  ///< In index.json, of it or of the index that leads to it.
  Platform platform;
  std::string manifest_text;
  ManifestDocument manifest;
  std::string config_text;
  ConfigDocument config;
};

/// Walks the indexes and keeps every manifest that could be meant.
class Finder {
 public:
  Finder(ArchiveSource& source, const Selection& selection, const Limits& limits)
      : source_(source), selection_(selection), limits_(limits) {}

  base::Result<Candidate> find_one() {
    const std::string text = TRY(read_document(source_, "index.json", limits_));
    auto top = parse_index(text, "", limits_);
    if (!top.ok()) return top.error().with_context("index.json");
    TRY(walk(*top, {}, 0));
    return choose();
  }

 private:
  base::Result<std::string> read(const Descriptor& descriptor, const std::string& what) {
    read_bytes_ += descriptor.size;
    if (descriptor.size > limits_.json_bytes || read_bytes_ > limits_.documents_bytes) {
      return base::invalid(what + " (" + blob_name(descriptor.digest) +
                           ") is larger than a JSON document may be");
    }
    return read_blob(source_, descriptor, what, limits_);
  }

  base::Result<void> walk(const std::vector<Descriptor>& descriptors,
                          const std::vector<std::string>& names, int depth) {
    if (depth > limits_.index_depth) return base::invalid("the indexes are nested too deeply");
    for (const Descriptor& descriptor : descriptors) {
      if (++looked_at_ > limits_.index_entries) return base::invalid("the index is too long");
      std::vector<std::string> all_names = names;
      all_names.insert(all_names.end(), descriptor.names.begin(), descriptor.names.end());
      if (depth == 0) position_ = static_cast<std::size_t>(&descriptor - descriptors.data());
      TRY(visit(descriptor, all_names, depth));
    }
    return {};
  }

  base::Result<void> visit(const Descriptor& descriptor, const std::vector<std::string>& names,
                           int depth) {
    if (descriptor.attestation || is_for_nothing(descriptor)) return {};
    if (!descriptor.artifact_type.empty()) {
      other_types_.push_back(quote(descriptor.artifact_type));
      return {};
    }
    if (!is_index_type(descriptor.media_type) && !is_manifest_type(descriptor.media_type)) {
      other_types_.push_back(quote(descriptor.media_type));
      return {};
    }
    if (!seen_.insert(descriptor.digest).second) return {};
    if (is_index_type(descriptor.media_type)) {
      const std::string text = TRY(read(descriptor, "the index"));
      auto inner = parse_index(text, descriptor.media_type, limits_);
      if (!inner.ok()) return inner.error().with_context(blob_name(descriptor.digest));
      return walk(*inner, names, depth + 1);
    }
    // A platform that is not ours need not be in the archive (skopeo and Docker leave them out).
    if (descriptor.platform && !descriptor.platform->architecture.empty() &&
        !selection_.platform.accepts(*descriptor.platform)) {
      other_platforms_.push_back(*descriptor.platform);
      return {};
    }
    return add_candidate(descriptor, names);
  }

  static bool is_for_nothing(const Descriptor& descriptor) {
    return descriptor.platform && descriptor.platform->architecture == "unknown";
  }

  // The config decides, but many leave the variant to the index.
  static Platform variant_of(const Descriptor& descriptor, const ConfigDocument& config) {
    Platform platform = config.platform();
    if (platform.variant.empty() && descriptor.platform) {
      platform.variant = descriptor.platform->variant;
    }
    return platform;
  }

  base::Result<void> add_candidate(const Descriptor& descriptor,
                                   const std::vector<std::string>& names) {
    Candidate candidate;
    candidate.digest = descriptor.digest;
    candidate.names = names;
    candidate.position = position_;
    candidate.manifest_text = TRY(read(descriptor, "the manifest"));
    auto manifest = parse_manifest(candidate.manifest_text, descriptor.media_type, limits_);
    if (!manifest.ok()) return manifest.error().with_context(blob_name(descriptor.digest));
    candidate.manifest = std::move(*manifest);
    const std::string foreign = candidate.manifest.foreign_type();
    if (!foreign.empty()) {
      other_types_.push_back(quote(foreign));
      return {};
    }
    candidate.config_text = TRY(read(candidate.manifest.config, "the config"));
    auto config = parse_config(candidate.config_text, limits_);
    if (!config.ok()) {
      return config.error().with_context("the config (" +
                                         blob_name(candidate.manifest.config.digest) + ")");
    }
    candidate.config = std::move(*config);
    candidate.platform = variant_of(descriptor, candidate.config);
    if (selection_.platform.accepts(candidate.platform)) {
      candidates_.push_back(std::move(candidate));
    } else {
      other_platforms_.push_back(candidate.platform);
    }
    return {};
  }

  // Of the images of one name only those stay that fit the wanted platform best.
  void keep_best_variants() {
    std::map<std::vector<std::string>, int> best;
    const auto rank = [&](const Candidate& one) { return selection_.platform.rank(one.platform); };
    for (const Candidate& candidate : candidates_) {
      const auto [entry, is_new] = best.try_emplace(candidate.names, rank(candidate));
      if (!is_new) entry->second = std::max(entry->second, rank(candidate));
    }
    std::erase_if(candidates_, [&](const Candidate& one) { return rank(one) < best[one.names]; });
  }

  base::Result<Candidate> choose() {
    if (candidates_.empty()) return nothing();
    keep_best_variants();
    std::vector<Choice> choices;
    for (const Candidate& candidate : candidates_) {
      choices.push_back({candidate.names,
                         {candidate.digest, candidate.manifest.config.digest},
                         candidate.position});
    }
    const std::size_t chosen = TRY(choose_image(choices, selection_));
    return std::move(candidates_[chosen]);
  }

  base::Error nothing() const {
    if (!other_platforms_.empty()) {
      std::string all;
      for (const Platform& platform : other_platforms_) {
        all += (all.empty() ? "" : ", ") + platform.display();
      }
      const auto mismatch = check_platform(other_platforms_.front(), selection_.platform);
      if (other_platforms_.size() == 1 && !mismatch.ok()) return mismatch.error();
      return base::invalid("the image is for " + all + ", but " + selection_.platform.display() +
                           " is wanted");
    }
    if (!other_types_.empty()) {
      return base::invalid("the OCI layout has no image, only something of the media type " +
                           other_types_.front());
    }
    return base::not_found("the OCI layout has no image");
  }

  ArchiveSource& source_;
  const Selection& selection_;
  const Limits& limits_;
  std::size_t position_ = 0;
  std::uint64_t looked_at_ = 0;
  std::uint64_t read_bytes_ = 0;
  std::set<base::Digest> seen_;
  std::vector<Candidate> candidates_;
  std::vector<Platform> other_platforms_;
  std::vector<std::string> other_types_;
};

base::Result<std::vector<LayerSource>> layers_of(ArchiveSource& source, const Candidate& image) {
  const auto& descriptors = image.manifest.layers;
  std::vector<LayerSource> layers;
  for (std::size_t i = 0; i < descriptors.size(); ++i) {
    const std::string what =
        "layer " + std::to_string(i + 1) + " of " + std::to_string(descriptors.size());
    const auto compression = compression_of_media_type(descriptors[i].media_type);
    if (!compression.ok()) return compression.error().with_context(what);
    const FileRange range = TRY(find_blob(source, descriptors[i], what));
    const base::Digest diff_id =
        i < image.config.diff_ids.size() ? image.config.diff_ids[i] : base::Digest();
    layers.push_back({what + " (" + blob_name(descriptors[i].digest) + ")", range,
                      descriptors[i].digest, *compression, diff_id});
  }
  return layers;
}

base::Result<void> check_layout_version(ArchiveSource& source, const Limits& limits) {
  const std::string text = TRY(read_document(source, "oci-layout", limits));
  if (text.find("\"imageLayoutVersion\"") == std::string::npos) {
    return base::invalid("\"oci-layout\" has no imageLayoutVersion");
  }
  return {};
}

}  // namespace

base::Result<ResolvedImage> resolve_oci_image(ArchiveSource& source, const Selection& selection,
                                              const Limits& limits) {
  TRY(check_layout_version(source, limits));
  Candidate chosen = TRY(Finder(source, selection, limits).find_one());
  if (chosen.manifest.layers.empty()) {
    return base::not_found("the image has no layers: nothing could run in it");
  }
  ResolvedImage image;
  image.layers = TRY(layers_of(source, chosen));
  image.manifest = std::move(chosen.manifest_text);
  image.config_text = std::move(chosen.config_text);
  image.config = std::move(chosen.config);
  TRY(check_layers(image, limits));
  return image;
}

}  // namespace stagebox::images
