#include "images/image_catalog.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "images/archive/oci_documents.h"
#include "images/base/text.h"
#include "images/layer_store.h"
#include "runtime/base/files.h"

namespace stagebox::images {
namespace {

constexpr std::size_t kLongestName = 200;
constexpr std::size_t kShortestPrefix = 4;
constexpr std::string_view kRefSuffix = ".ref";

bool is_alphanumeric(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
         (letter >= '0' && letter <= '9');
}

std::string name_of_file(std::string_view file) {
  file.remove_suffix(kRefSuffix.size());
  std::string name(file);
  for (auto at = name.find("%2F"); at != std::string::npos; at = name.find("%2F", at)) {
    name.replace(at, 3, "/");
  }
  return name;
}

// Manifest to config digest, for looking images up by either.
base::Result<base::Digest> config_of(const StoreDirs& dirs, const base::Digest& manifest) {
  const std::string text = TRY(read_by_digest(dirs.manifests.get(), manifest));
  const auto document = parse_manifest(text, "", Limits{});
  if (!document.ok()) return document.error();
  return document->config.digest;
}

}  // namespace

// "/" cannot be in a file name; "%" cannot be in an image's name.
std::string ref_file(const std::string& name) {
  std::string file;
  for (const char letter : name)
    file += letter == '/' ? std::string("%2F") : std::string(1, letter);
  return file + std::string(kRefSuffix);
}

base::Result<void> check_name(const std::string& name) {
  const bool is_fine = !name.empty() && name.size() <= kLongestName &&
                       is_alphanumeric(name.front()) && !name.starts_with("sha256:") &&
                       std::ranges::all_of(name, [](char letter) {
                         return is_alphanumeric(letter) ||
                                std::string_view("._:/@+-").find(letter) != std::string_view::npos;
                       });
  if (is_fine) return {};
  return base::invalid(quote(name) +
                       " cannot be the name of an image: use at most 200 letters, digits and "
                       "\"._:/@+-\", and begin with a letter or digit");
}

base::Result<base::Digest> read_ref(const StoreDirs& dirs, const std::string& name) {
  TRY(check_name(name));
  const auto text = base::read_file_at(dirs.refs.get(), ref_file(name), 4096);
  if (!text.ok() && text.error().errno_value == ENOENT) {
    return base::not_found("no image is named " + quote(name));
  }
  if (!text.ok()) return text.error();
  const auto digest = base::Digest::from_oci(text->substr(0, text->find('\n')));
  if (!digest.ok()) return base::corrupt("the name " + quote(name) + " of an image is damaged");
  return *digest;
}

base::Result<void> write_ref(const StoreDirs& dirs, const std::string& name,
                             const base::Digest& manifest) {
  const auto now = read_ref(dirs, name);
  if (now.ok() && *now == manifest) return {};
  return base::replace_file_at(dirs.refs.get(), ref_file(name), manifest.oci() + "\n", 0600);
}

base::Result<void> remove_ref(const StoreDirs& dirs, const std::string& name) {
  if (::unlinkat(dirs.refs.get(), ref_file(name).c_str(), 0) != 0 && errno != ENOENT) {
    return base::errno_error("remove the name " + quote(name));
  }
  return {};
}

base::Result<std::map<std::string, base::Digest>> list_refs(const StoreDirs& dirs) {
  std::map<std::string, base::Digest> refs;
  const auto files = TRY(base::list_dir(dirs.refs.get()));
  for (const std::string& file : files) {
    if (!file.ends_with(kRefSuffix)) continue;
    const std::string name = name_of_file(file);
    const auto digest = read_ref(dirs, name);
    if (digest.ok()) refs[name] = *digest;
  }
  return refs;
}

base::Result<void> write_document(int dir_fd, const base::Digest& digest, const std::string& text) {
  const auto there = read_by_digest(dir_fd, digest);
  const bool is_same = there.ok() && *there == text;
  if (is_same && ::utimensat(dir_fd, digest.hex().c_str(), nullptr, AT_SYMLINK_NOFOLLOW) == 0) {
    return {};
  }
  return base::replace_file_at(dir_fd, digest.hex(), text, 0600);
}

base::Result<Image> load_image(const StoreDirs& dirs, const base::Digest& manifest,
                               const LayerOwnership& ownership) {
  Image image;
  image.manifest_digest = manifest;
  image.config_digest = TRY(config_of(dirs, manifest));
  const std::string text = TRY(read_by_digest(dirs.configs.get(), image.config_digest));
  auto config = TRY(parse_config(text, Limits{}));
  image.config = std::move(config.config);
  image.diff_ids = std::move(config.diff_ids);
  for (const base::Digest& chain_id : chain_ids(image.diff_ids)) {
    const auto info = read_layer_info(dirs.layers.get(), layer_key(chain_id, ownership));
    if (info.ok()) image.size_bytes += info->tar_bytes;
  }
  return image;
}

base::Result<base::Digest> find_manifest(const StoreDirs& dirs, const std::string& text) {
  if (check_name(text).ok()) {
    const auto named = read_ref(dirs, text);
    if (named.ok() || named.error().kind != base::ErrorKind::kNotFound) return named;
  }
  const std::string prefix = text.starts_with("sha256:") ? text.substr(7) : text;
  std::set<base::Digest> matches;
  const auto manifests = TRY(list_digests(dirs.manifests.get()));
  for (const base::Digest& manifest : manifests) {
    if (prefix.size() < kShortestPrefix) break;
    if (manifest.hex().starts_with(prefix)) matches.insert(manifest);
    const auto config = config_of(dirs, manifest);
    if (config.ok() && config->hex().starts_with(prefix)) matches.insert(manifest);
  }
  if (matches.size() == 1) return *matches.begin();
  if (matches.empty())
    return base::not_found("there is no image " + quote(text) +
                           "; `stagebox image list` lists them");
  return base::invalid(quote(text) + " fits " + std::to_string(matches.size()) +
                       " images; give more of the digest");
}

}  // namespace stagebox::images
