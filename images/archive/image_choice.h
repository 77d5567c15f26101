// image_choice: which image of an archive with several is meant, by the name that its reader would
// use: docker-archives and OCI layouts have the same rules here.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "images/archive/platform.h"
#include "runtime/base/digest.h"
#include "runtime/base/result.h"

namespace stagebox::images {

/// Which image of an archive with several.
struct Selection {
  Platform platform;
  std::optional<base::Digest> pinned;    ///< Of the manifest or the config.
  std::optional<std::string> reference;  ///< A name as for reference_means, a digest, or "@N".
};

/// What an archive offers.
struct Choice {
  std::vector<std::string> names;     ///< What the archive calls it.
  std::vector<base::Digest> digests;  ///< Of its manifest, if it has one, and config.
  std::size_t position = 0;           ///< In the archive's own list, from 0.
};

/// True when `wanted` is the archive's name, or both are short forms of the same full name:
/// "debian" is "docker.io/library/debian:latest" (the rules of Docker's references), or
/// "localhost/debian:latest", as podman and buildah call what they built.
bool reference_means(std::string_view wanted, std::string_view offered);

/// The index of the one that is meant. kInvalid when it is none or several; names them all.
base::Result<std::size_t> choose_image(const std::vector<Choice>& choices,
                                       const Selection& selection);

}  // namespace stagebox::images
