#include "runtime/base/relative_path.h"

namespace stagebox::base {

Result<RelativePath> RelativePath::parse(std::string_view text) {
  const std::string shown = "\"" + std::string(text) + "\"";
  if (text.empty()) return invalid("the path is empty");
  if (text.front() == '/')
    return invalid("the path " + shown + " is absolute; it must be relative");
  if (text.find('\0') != std::string_view::npos) return invalid("the path contains a NUL byte");
  if (text.size() > kMaxBytes) return invalid("the path is longer than 4095 bytes");
  RelativePath path;
  while (!text.empty()) {
    const std::size_t slash = text.find('/');
    const std::string_view component = text.substr(0, slash);
    text.remove_prefix(slash == std::string_view::npos ? text.size() : slash + 1);
    if (component.empty() || component == ".") continue;
    if (component == "..") return invalid("the path " + shown + " contains \"..\"");
    if (component.size() > kMaxComponent)
      return invalid("the path " + shown + " has a name longer than 255 bytes");
    if (!path.path_.empty()) path.path_ += '/';
    path.path_ += component;
  }
  return path;
}

std::vector<std::string> RelativePath::components() const {
  std::vector<std::string> parts;
  std::string_view rest = path_;
  while (!rest.empty()) {
    const std::size_t slash = rest.find('/');
    parts.emplace_back(rest.substr(0, slash));
    rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
  }
  return parts;
}

std::string RelativePath::name() const {
  const std::size_t slash = path_.rfind('/');
  return slash == std::string::npos ? path_ : path_.substr(slash + 1);
}

RelativePath RelativePath::parent() const {
  RelativePath result;
  const std::size_t slash = path_.rfind('/');
  if (slash != std::string::npos) result.path_ = path_.substr(0, slash);
  return result;
}

RelativePath RelativePath::operator/(const RelativePath& below) const {
  if (is_self()) return below;
  if (below.is_self()) return *this;
  RelativePath result;
  result.path_ = path_ + "/" + below.path_;
  return result;
}

bool RelativePath::contains(const RelativePath& other) const {
  if (is_self() || path_ == other.path_) return true;
  return other.path_.starts_with(path_ + "/");
}

}  // namespace stagebox::base
