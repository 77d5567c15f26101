#include "images/archive/platform.h"

#include <sys/utsname.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

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

// One spelling for one machine: what is not said is the common one (as containerd has it).
std::string normal_variant(const Platform& platform) {
  const std::string architecture = normal_architecture(platform.architecture);
  std::string variant = platform.variant;
  if (!variant.empty() && variant.front() >= '0' && variant.front() <= '9') variant = "v" + variant;
  if (architecture == "arm" && variant.empty()) return "v7";
  if (architecture == "arm64" && variant == "v8") return "";
  if (architecture == "amd64" && variant == "v1") return "";
  return variant;
}

// "v7" -> 7. Without a variant it is the least that there is.
std::optional<int> level(const std::string& variant) {
  if (variant.empty()) return 0;
  int value = 0;
  const char* const last = variant.data() + variant.size();
  const auto [end, error] = std::from_chars(variant.data() + 1, last, value);
  if (variant.front() != 'v' || error != std::errc() || end != last) return std::nullopt;
  return value;
}

}  // namespace

Platform Platform::host() {
  struct utsname name{};
  (void)::uname(&name);
  const std::string_view machine = name.machine;
  Platform platform{"linux", normal_architecture(machine), ""};
  if (machine.starts_with("armv")) platform.variant = machine.substr(3, 2);
  return platform;
}

base::Result<Platform> Platform::parse(std::string_view text) {
  std::vector<std::string> parts(1);
  for (const char letter : text) {
    if (letter == '/') {
      parts.emplace_back();
    } else {
      parts.back() += letter;
    }
  }
  const bool is_complete = parts.size() == 2 || parts.size() == 3;
  if (!is_complete || std::ranges::any_of(parts, &std::string::empty)) {
    return base::invalid("\"" + std::string(text) +
                         "\" is no platform: write OS/ARCHITECTURE or OS/ARCHITECTURE/VARIANT, "
                         "such as linux/arm64 or linux/arm/v7");
  }
  return Platform{parts[0], normal_architecture(parts[1]), parts.size() == 3 ? parts[2] : ""};
}

std::string Platform::display() const {
  return os + "/" + architecture + (variant.empty() ? "" : "/" + variant);
}

bool Platform::accepts(const Platform& offered) const {
  if (os != offered.os) return false;
  if (normal_architecture(architecture) != normal_architecture(offered.architecture)) return false;
  if (variant.empty() || offered.variant.empty()) return true;
  const std::string wanted = normal_variant(*this);
  const std::string found = normal_variant(offered);
  if (wanted == found) return true;
  const auto most = level(wanted);
  const auto least = level(found);
  return most && least && *least <= *most;
}

int Platform::rank(const Platform& offered) const {
  constexpr int kExact = 1000;
  const std::string found = normal_variant(offered);
  if (normal_variant(*this) == found) return kExact;
  const int number = level(found).value_or(0);
  return variant.empty() ? -number : number;
}

}  // namespace stagebox::images
