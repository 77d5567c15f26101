// Builds image archives for tests, good ones and hostile ones: tar archives header by header,
// compression, OCI archives and docker-archives whose every part can be replaced by a lie.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stagebox::testing {

/// What a tar header says; nothing is checked.
struct TarFields {
  std::string name;
  char type = '0';
  std::string link;
  std::uint32_t mode = 0644;
  std::int64_t uid = 0;
  std::int64_t gid = 0;
  std::int64_t mtime = 1'000'000'000;
  std::optional<std::uint64_t> size;                     ///< Instead of the content's.
  std::vector<std::pair<std::string, std::string>> pax;  ///< Records of an extended header before.
};

class TarBuilder {
 public:
  TarBuilder& add(const TarFields& fields, std::string_view content = "");
  TarBuilder& file(const std::string& name, std::string_view content, std::uint32_t mode = 0644);
  TarBuilder& dir(const std::string& name, std::uint32_t mode = 0755);
  TarBuilder& symlink(const std::string& name, const std::string& target);
  TarBuilder& hardlink(const std::string& name, const std::string& target);
  TarBuilder& whiteout(const std::string& directory, const std::string& name);
  TarBuilder& opaque(const std::string& directory);
  /// Bytes as they are, padded to a block.
  TarBuilder& raw(std::string_view bytes);
  /// With the two blocks of zeros at the end.
  [[nodiscard]] std::string finish() const;
  [[nodiscard]] std::string without_end() const { return bytes_; }

 private:
  std::string bytes_;
};

std::string gzip(std::string_view data);
std::string zstd(std::string_view data);
/// A skippable frame of zstd.
std::string zstd_skippable(std::string_view content);

std::string digest_of(std::string_view data);  ///< "sha256:<hex>"
std::string hex_of(std::string_view data);

/// One image; every document is generated from these fields, unless it was replaced.
struct OciImage {
  struct Layer {
    std::string tar;
    std::string media_type = "application/vnd.oci.image.layer.v1.tar";
    std::string blob;  ///< As stored; empty: the tar itself.
    std::optional<std::string> diff_id;
    std::optional<std::string> digest;
    std::optional<std::int64_t> size;
  };

  std::vector<Layer> layers;
  std::string architecture = "amd64";
  std::string os = "linux";
  std::string rootfs_type = "layers";
  std::string process = R"({"Env":["PATH=/bin","A=b"],"Cmd":["/bin/sh"],"WorkingDir":"/w"})";
  std::string manifest_type = "application/vnd.oci.image.manifest.v1+json";
  std::string platform;     ///< JSON for the index's descriptor, or nothing.
  std::string annotations;  ///< The same.

  OciImage& plain(std::string tar);
  OciImage& gzipped(std::string tar);
  OciImage& zstded(std::string tar);

  [[nodiscard]] std::string config() const;
  [[nodiscard]] std::string manifest() const;
  /// For an index.
  [[nodiscard]] std::string descriptor() const;
};

std::string make_descriptor(std::string_view media_type, std::string_view blob,
                            const std::string& more = "");
std::string make_index(const std::vector<std::string>& descriptors);

/// Name to content. Tests change what they like before it is packed.
using ArchiveFiles = std::map<std::string, std::string>;

ArchiveFiles oci_files(const OciImage& image);
void add_image_blobs(ArchiveFiles& files, const OciImage& image);
void add_blob(ArchiveFiles& files, const std::string& content);
ArchiveFiles docker_files(const OciImage& image, const std::string& tag = "test:latest");
std::string pack(const ArchiveFiles& files);

void write_file(const std::string& path, std::string_view content);
/// As a directory.
void unpack_to(const std::string& directory, const ArchiveFiles& files);

}  // namespace stagebox::testing
