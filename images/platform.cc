#include <sys/utsname.h>

#include <string_view>

#include "images/image.h"

namespace stagebox::images {
namespace {

// The kernel's names for what the OCI specification calls by Go's names.
std::string normal_architecture(std::string_view name) {
  if (name == "x86_64" || name == "x86-64") return "amd64";
  if (name == "aarch64") return "arm64";
  if (name.starts_with("armv")) return "arm";
  if (name == "i386" || name == "i686") return "386";
  return std::string(name);
}

}  // namespace

Platform Platform::host() {
  struct utsname name{};
  (void)::uname(&name);
  return {"linux", normal_architecture(name.machine), ""};
}

std::string Platform::display() const {
  return os + "/" + architecture + (variant.empty() ? "" : "/" + variant);
}

bool Platform::accepts(const Platform& offered) const {
  return os == offered.os &&
         normal_architecture(architecture) == normal_architecture(offered.architecture) &&
         (variant.empty() || offered.variant.empty() || variant == offered.variant);
}

}  // namespace stagebox::images
