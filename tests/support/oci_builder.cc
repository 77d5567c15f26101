#include "tests/support/oci_builder.h"

#include <isa-l/igzip_lib.h>
#include <zstd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "runtime/base/digest.h"

namespace stagebox::testing {
namespace {

constexpr std::size_t kBlock = 512;

std::string octal(std::uint64_t value, std::size_t width) {
  std::string text(width, '0');
  for (auto digit = text.rbegin(); digit != text.rend(); ++digit, value >>= 3U) {
    *digit = static_cast<char>('0' + static_cast<char>(value & 7U));
  }
  return text + '\0';
}

// Octal where it fits, else GNU's base-256, which also knows negative numbers.
std::string number(std::int64_t value, std::size_t width) {
  if (value >= 0 && static_cast<std::uint64_t>(value) >> (3 * (width - 1)) == 0) {
    return octal(static_cast<std::uint64_t>(value), width - 1);
  }
  std::string text(width, value < 0 ? '\xff' : '\0');
  auto rest = static_cast<std::uint64_t>(value);
  for (std::size_t i = 0; i < std::min<std::size_t>(8, width - 1); ++i, rest >>= 8U) {
    text[width - 1 - i] = static_cast<char>(rest & 0xffU);
  }
  if (value >= 0) text[0] = '\x80';
  return text;
}

void put(std::string& block, std::size_t at, std::string_view text) {
  std::ranges::copy(text, block.begin() + static_cast<std::ptrdiff_t>(at));
}

std::string header(const TarFields& fields, std::uint64_t size) {
  std::string block(kBlock, '\0');
  put(block, 0, std::string_view(fields.name).substr(0, 100));
  put(block, 100, octal(fields.mode, 7));
  put(block, 108, number(fields.uid, 8));
  put(block, 116, number(fields.gid, 8));
  put(block, 124, number(static_cast<std::int64_t>(size), 12));
  put(block, 136, number(fields.mtime, 12));
  put(block, 148, "        ");
  block[156] = fields.type;
  put(block, 157, std::string_view(fields.link).substr(0, 100));
  put(block, 257, std::string_view("ustar\00000", 8));
  std::uint64_t sum = 0;
  for (const char letter : block) sum += static_cast<unsigned char>(letter);
  put(block, 148, octal(sum, 6));
  return block;
}

std::string padded(std::string_view data) {
  std::string text(data);
  text.resize((data.size() + kBlock - 1) / kBlock * kBlock, '\0');
  return text;
}

std::string pax_record(const std::string& key, const std::string& value) {
  const std::string body = " " + key + "=" + value + "\n";
  std::size_t length = body.size() + 1;
  while (std::to_string(length).size() + body.size() != length) ++length;
  return std::to_string(length) + body;
}

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

}  // namespace

TarBuilder& TarBuilder::add(const TarFields& fields, std::string_view content) {
  TarFields all = fields;
  if (all.name.size() > 100) all.pax.emplace_back("path", all.name);
  if (all.link.size() > 100) all.pax.emplace_back("linkpath", all.link);
  if (!all.pax.empty()) {
    std::string records;
    for (const auto& [key, value] : all.pax) records += pax_record(key, value);
    TarFields extension;
    extension.name = "pax";
    extension.type = 'x';
    bytes_ += header(extension, records.size()) + padded(records);
  }
  bytes_ += header(all, all.size.value_or(content.size())) + padded(content);
  return *this;
}

TarBuilder& TarBuilder::file(const std::string& name, std::string_view content,
                             std::uint32_t mode) {
  TarFields fields;
  fields.name = name;
  fields.mode = mode;
  return add(fields, content);
}

TarBuilder& TarBuilder::dir(const std::string& name, std::uint32_t mode) {
  TarFields fields;
  fields.name = name + "/";
  fields.type = '5';
  fields.mode = mode;
  return add(fields);
}

TarBuilder& TarBuilder::symlink(const std::string& name, const std::string& target) {
  TarFields fields;
  fields.name = name;
  fields.type = '2';
  fields.link = target;
  fields.mode = 0777;
  return add(fields);
}

TarBuilder& TarBuilder::hardlink(const std::string& name, const std::string& target) {
  TarFields fields;
  fields.name = name;
  fields.type = '1';
  fields.link = target;
  return add(fields);
}

TarBuilder& TarBuilder::whiteout(const std::string& directory, const std::string& name) {
  return file((directory.empty() ? "" : directory + "/") + ".wh." + name, "");
}

TarBuilder& TarBuilder::opaque(const std::string& directory) {
  return whiteout(directory, ".wh..opq");
}

TarBuilder& TarBuilder::raw(std::string_view bytes) {
  bytes_ += padded(bytes);
  return *this;
}

std::string TarBuilder::finish() const { return bytes_ + std::string(2 * kBlock, '\0'); }

std::string gzip(std::string_view data) {
  std::string in(data);
  std::string out(data.size() + data.size() / 8 + 4096, '\0');
  isal_zstream stream{};
  isal_deflate_stateless_init(&stream);
  stream.gzip_flag = IGZIP_GZIP;
  stream.end_of_stream = 1;
  stream.flush = NO_FLUSH;
  stream.next_in = reinterpret_cast<std::uint8_t*>(in.data());
  stream.avail_in = static_cast<std::uint32_t>(in.size());
  stream.next_out = reinterpret_cast<std::uint8_t*>(out.data());
  stream.avail_out = static_cast<std::uint32_t>(out.size());
  if (isal_deflate_stateless(&stream) != COMP_OK) std::abort();
  out.resize(stream.total_out);
  return out;
}

std::string zstd(std::string_view data) {
  std::string out(ZSTD_compressBound(data.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), data.data(), data.size(), 3));
  return out;
}

std::string zstd_skippable(std::string_view content) {
  std::string frame("\x50\x2a\x4d\x18", 4);
  for (unsigned shift = 0; shift < 32; shift += 8) {
    frame += static_cast<char>((content.size() >> shift) & 0xffU);
  }
  return frame + std::string(content);
}

std::string digest_of(std::string_view data) { return base::Sha256::of(data).oci(); }
std::string hex_of(std::string_view data) { return base::Sha256::of(data).hex(); }

OciImage& OciImage::plain(std::string tar) {
  Layer layer;
  layer.tar = std::move(tar);
  layer.blob = layer.tar;
  layers.push_back(std::move(layer));
  return *this;
}

OciImage& OciImage::gzipped(std::string tar) {
  plain(std::move(tar));
  layers.back().blob = gzip(layers.back().tar);
  layers.back().media_type += "+gzip";
  return *this;
}

OciImage& OciImage::zstded(std::string tar) {
  plain(std::move(tar));
  layers.back().blob = zstd(layers.back().tar);
  layers.back().media_type = "application/vnd.docker.image.rootfs.diff.tar.zstd";
  return *this;
}

std::string OciImage::config() const {
  std::string ids;
  for (const Layer& layer : layers) {
    ids += (ids.empty() ? "" : ",") + quoted(layer.diff_id.value_or(digest_of(layer.tar)));
  }
  return R"({"architecture":")" + architecture + R"(","os":")" + os + R"(","config":)" + process +
         R"(,"rootfs":{"type":")" + rootfs_type + R"(","diff_ids":[)" + ids + "]}}";
}

std::string OciImage::manifest() const {
  std::string list;
  for (const Layer& layer : layers) {
    const auto size = layer.size.value_or(static_cast<std::int64_t>(layer.blob.size()));
    list += (list.empty() ? "" : ",") + std::string(R"({"mediaType":")") + layer.media_type +
            R"(","digest":")" + layer.digest.value_or(digest_of(layer.blob)) + R"(","size":)" +
            std::to_string(size) + "}";
  }
  return R"({"schemaVersion":2,"mediaType":")" + manifest_type + R"(","config":)" +
         make_descriptor("application/vnd.oci.image.config.v1+json", config()) + R"(,"layers":[)" +
         list + "]}";
}

std::string OciImage::descriptor() const {
  std::string more;
  if (!platform.empty()) more += R"(,"platform":)" + platform;
  if (!annotations.empty()) more += R"(,"annotations":)" + annotations;
  return make_descriptor(manifest_type, manifest(), more);
}

std::string make_descriptor(std::string_view media_type, std::string_view blob,
                            const std::string& more) {
  return R"({"mediaType":")" + std::string(media_type) + R"(","digest":")" + digest_of(blob) +
         R"(","size":)" + std::to_string(blob.size()) + more + "}";
}

std::string make_index(const std::vector<std::string>& descriptors) {
  std::string list;
  for (const std::string& descriptor : descriptors) {
    list += (list.empty() ? "" : ",") + descriptor;
  }
  return R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[)" +
         list + "]}";
}

void add_blob(ArchiveFiles& files, const std::string& content) {
  files["blobs/sha256/" + hex_of(content)] = content;
}

void add_image_blobs(ArchiveFiles& files, const OciImage& image) {
  for (const OciImage::Layer& layer : image.layers) add_blob(files, layer.blob);
  add_blob(files, image.config());
  add_blob(files, image.manifest());
}

ArchiveFiles oci_files(const OciImage& image) {
  ArchiveFiles files;
  files["oci-layout"] = R"({"imageLayoutVersion":"1.0.0"})";
  files["index.json"] = make_index({image.descriptor()});
  add_image_blobs(files, image);
  return files;
}

ArchiveFiles docker_files(const OciImage& image, const std::string& tag) {
  ArchiveFiles files;
  const std::string config = hex_of(image.config()) + ".json";
  files[config] = image.config();
  std::string layers;
  for (const OciImage::Layer& layer : image.layers) {
    const std::string name = hex_of(layer.tar) + "/layer.tar";
    files[name] = layer.blob;
    layers += (layers.empty() ? "" : ",") + quoted(name);
  }
  files["manifest.json"] =
      R"([{"Config":")" + config + R"(","RepoTags":[")" + tag + R"("],"Layers":[)" + layers + "]}]";
  return files;
}

std::string pack(const ArchiveFiles& files) {
  TarBuilder tar;
  for (const auto& [name, content] : files) tar.file(name, content);
  return tar.finish();
}

void write_file(const std::string& path, std::string_view content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc)
      .write(content.data(), static_cast<std::streamsize>(content.size()));
}

void unpack_to(const std::string& directory, const ArchiveFiles& files) {
  for (const auto& [name, content] : files) {
    const std::filesystem::path path = std::filesystem::path(directory) / name;
    std::filesystem::create_directories(path.parent_path());
    write_file(path, content);
  }
}

}  // namespace stagebox::testing
