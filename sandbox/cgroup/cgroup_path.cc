#include "sandbox/cgroup/cgroup_path.h"

namespace stagebox::sandbox {
namespace {

using base::Result;

constexpr std::size_t kMaxComponent = 255;  // NAME_MAX
constexpr std::size_t kMaxComponents = 32;  // The kernel takes more; nobody needs them.

base::Error wrong(std::string_view text, const char* why) {
  return base::invalid("\"" + std::string(text) + "\" is not the path of a cgroup: " + why);
}

}  // namespace

std::string CgroupPath::str() const {
  std::string text;
  for (const std::string& component : components) text += (text.empty() ? "" : "/") + component;
  return text;
}

Result<CgroupPath> parse_cgroup_path(std::string_view text) {
  CgroupPath path;
  if (text.starts_with('/')) path.from = CgroupPath::From::kMountPoint;
  // A line break would end the line in which it is noted that it has to be removed.
  if (text.find_first_of(std::string_view("\0\n", 2)) != std::string_view::npos)
    return wrong(text, "a character of it cannot be part of a name");
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = text.find('/', begin);
    if (end == std::string_view::npos) end = text.size();
    const std::string_view component = text.substr(begin, end - begin);
    begin = end + 1;
    if (component.empty()) continue;
    if (component == "." || component == "..") return wrong(text, "\".\" and \"..\" are no names");
    if (component.size() > kMaxComponent) return wrong(text, "a name of it is too long");
    path.components.emplace_back(component);
  }
  if (path.components.empty()) return wrong(text, "it names nothing");
  if (path.components.size() > kMaxComponents) return wrong(text, "it is too deep");
  return path;
}

}  // namespace stagebox::sandbox
