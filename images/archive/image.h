// Image: what the store knows about an imported image. Plain values; the files are the business of
// ImageStore and RootFs.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "images/archive/platform.h"
#include "runtime/base/digest.h"

namespace stagebox::images {

/// How a process of the image is started, as its author wrote it: untrusted text. `user` is not
/// resolved. No string contains a NUL byte.
struct ImageConfig {
  std::string architecture;
  std::string os;
  std::string variant;
  std::string user;
  std::vector<std::string> env;  ///< "NAME=value".
  std::vector<std::string> entrypoint;
  std::vector<std::string> cmd;
  std::string working_dir;
  std::map<std::string, std::string> labels;
};

struct Image {
  /// Of the OCI manifest. A docker-archive has none: then of the one we write for it (see
  /// make_manifest), which depends on nothing but the config and the layers' contents.
  base::Digest manifest_digest;
  base::Digest config_digest;
  std::vector<base::Digest> diff_ids;  ///< Bottom first.
  ImageConfig config;
  std::uint64_t size_bytes = 0;  ///< Of all layers as uncompressed tar archives.

  /// Whether a pin means this image: the digest of its manifest or of its config.
  [[nodiscard]] bool is(const base::Digest& pin) const {
    return pin == manifest_digest || pin == config_digest;
  }
};

}  // namespace stagebox::images
