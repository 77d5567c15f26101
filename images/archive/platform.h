// Platform: for what machine an image is made, in the words of the OCI image index, and how well an
// image for one machine does on another.
#pragma once

#include <string>
#include <string_view>

#include "runtime/base/result.h"

namespace stagebox::images {

struct Platform {
  std::string os;
  std::string architecture;
  std::string variant;  ///< "v7", "v8"; empty: any.

  /// The machine this program runs on.
  static Platform host();
  /// "os/architecture[/variant]" as on a command line; kInvalid for anything else.
  static base::Result<Platform> parse(std::string_view text);
  /// "linux/amd64" or "linux/arm/v7".
  [[nodiscard]] std::string display() const;
  /// True when an image made for `offered` can run where this is wanted: a variant runs those of
  /// its architecture with a smaller number. The kernel's names for architectures are understood.
  [[nodiscard]] bool accepts(const Platform& offered) const;
  /// Of two that are accepted, the one with the higher rank fits better: the wanted variant itself,
  /// then the next lower one; without a wanted one, the most general.
  [[nodiscard]] int rank(const Platform& offered) const;
};

}  // namespace stagebox::images
