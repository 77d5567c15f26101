#include "scheduler/file/images_reader.h"

#include "scheduler/file/keys.h"
#include "scheduler/file/names.h"
#include "scheduler/file/value_reader.h"

namespace stagebox::scheduler {
namespace {

constexpr std::string_view kImageExample = "{tarball: images/gcc.tar}";

void read_digest(const YamlNode& node, const ValueReader& reader, Image& image) {
  const auto text = reader.word(node, "`digest`", "\"sha256:...\"");
  if (!text) return;
  const auto digest = base::Digest::from_oci(*text);
  if (digest.ok())
    image.digest = *digest;
  else
    reader.diagnostics().add(
        node.position,
        "`digest` must be \"sha256:\" and 64 hexadecimal digits, found " + backquoted(*text));
}

constexpr std::string_view kArchiveRule =
    "archives come from the pipeline file's directory and what is below it; others are imported "
    "first, and used by `name`";

void read_source(const YamlEntry& entry, const ValueReader& reader, Image& image) {
  const YamlNode* tarball = entry.value->find("tarball");
  const YamlNode* name = entry.value->find("name");
  if ((tarball == nullptr) == (name == nullptr)) {
    reader.diagnostics().add(
        entry.key->position,
        "the image " + backquoted(image.name) + " must have either `tarball` or `name`, found " +
            (tarball == nullptr ? "neither" : "both"),
        "`tarball` is a file below the pipeline file, `name` an image that was imported before");
  } else if (tarball != nullptr) {
    if (auto path = reader.path(*tarball, "`tarball`", kArchiveRule))
      image.source = TarballImage{*path};
  } else if (auto stored = reader.word(*name, "`name`")) {
    image.source = StoredImage{*stored};
  }
}

Image read_image(const YamlEntry& entry, const ValueReader& reader) {
  Image image{.name = std::string(entry.key->scalar()),
              .position = entry.key->position,
              .source = {},
              .digest = {}};
  check_name(NameKind::kImage, image.name, image.position, reader.diagnostics());
  if (!reader.expect_mapping(*entry.value, "the image " + backquoted(image.name), kImageExample))
    return image;
  check_keys(*entry.value, kImageKeys, reader.diagnostics());
  read_source(entry, reader, image);
  if (const YamlNode* digest = entry.value->find("digest")) read_digest(*digest, reader, image);
  return image;
}

}  // namespace

std::vector<Image> read_images(const YamlNode* node, FileContext& context) {
  std::vector<Image> images;
  const ExpressionValues values(context.params, context.budget);
  const ValueReader reader(context.diagnostics, values);
  if (node == nullptr ||
      !reader.expect_mapping(*node, "`images`", "gcc: " + std::string(kImageExample)) ||
      !context.within(node->entries().size(), FileLimits::kImages, "images", node->position))
    return images;
  for (const YamlEntry& entry : node->entries()) {
    if (!entry.duplicate) images.push_back(read_image(entry, reader));
  }
  return images;
}

}  // namespace stagebox::scheduler
