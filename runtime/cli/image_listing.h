// Images of the store as they are listed: for a person and for a program.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <ostream>
#include <vector>

#include "images/image_store.h"

namespace stagebox::cli {

nlohmann::json image_json(const images::Image& image);
/// With names, sizes, times, and what is known of each layer.
nlohmann::json stored_image_json(const images::StoredImage& stored,
                                 const images::ImageDetails& details);
/// A line each; `details` of the same images.
void print_images(std::ostream& out, const std::vector<images::StoredImage>& images,
                  const std::vector<images::ImageDetails>& details);

}  // namespace stagebox::cli
