#include "images/layer/parent_view.h"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <deque>
#include <set>

#include "images/base/text.h"
#include "runtime/base/files.h"

namespace stagebox::images {
namespace {

enum class Verdict { kFound, kHidden, kBelow };  // kBelow: ask the next layer down

base::Result<bool> is_opaque(int layer_fd, const std::string& path) {
  const base::UniqueFd dir = TRY(base::open_beneath(layer_fd, path.empty() ? "." : path,
                                                    O_RDONLY | O_DIRECTORY, base::Links::kRefuse));
  char value = 0;
  return ::fgetxattr(dir.get(), kOpaqueXattr, &value, 1) == 1 && value == 'y';
}

// What is missing in a layer may be in one below, unless a directory on the way is opaque.
base::Result<Verdict> verdict_on_missing(int layer_fd, const std::vector<std::string>& above) {
  for (const std::string& directory : above) {
    const bool opaque = TRY(is_opaque(layer_fd, directory));
    if (opaque) return Verdict::kHidden;
  }
  return Verdict::kBelow;
}

base::Result<Verdict> look_in_layer(int layer_fd, const std::vector<std::string>& parts,
                                    ParentView::Found& found) {
  std::string path;
  std::vector<std::string> directories;
  for (std::size_t i = 0; i <= parts.size(); ++i) {
    const std::string& shown = path.empty() ? "." : path;
    struct stat status{};
    if (::fstatat(layer_fd, shown.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno != ENOENT) return base::errno_error("look up " + quote(path));
      return verdict_on_missing(layer_fd, directories);
    }
    if (is_whiteout(status)) return Verdict::kHidden;
    if (i == parts.size()) {
      found = {layer_fd, path, status};
      return Verdict::kFound;
    }
    if (!S_ISDIR(status.st_mode)) return Verdict::kHidden;
    directories.push_back(path);
    path = join_path(path, parts[i]);
  }
  return Verdict::kBelow;
}

base::Result<std::string> read_link(const ParentView::Found& found) {
  std::array<char, PATH_MAX> target{};
  const ssize_t size =
      ::readlinkat(found.layer_fd, found.path.c_str(), target.data(), target.size());
  if (size < 0) return base::errno_error("read the link " + quote(found.path));
  return std::string(target.data(), static_cast<std::size_t>(size));
}

}  // namespace

base::Result<void> ParentView::wait() const {
  if (gate_ == nullptr || layers_.empty()) return {};
  return gate_->wait();
}

base::Result<std::optional<ParentView::Found>> ParentView::find(const std::string& path) const {
  TRY(wait());
  const auto parts = split_path(path);
  Found found;
  for (const int layer_fd : layers_) {
    const Verdict verdict = TRY(look_in_layer(layer_fd, parts, found));
    if (verdict == Verdict::kFound) return std::optional(found);
    if (verdict == Verdict::kHidden) break;
  }
  return std::optional<Found>();
}

base::Result<std::optional<ParentView::Found>> ParentView::find_through_links(
    const std::string& path) const {
  const auto parts = split_path(path);
  std::deque<std::string> todo(parts.begin(), parts.end());
  std::vector<std::string> done;
  const auto done_path = [&] {
    std::string joined;
    for (const std::string& part : done) joined = join_path(joined, part);
    return joined;
  };
  int links = 0;
  while (todo.size() > 1) {
    const std::string part = todo.front();
    todo.pop_front();
    if (part == ".") continue;
    if (part == "..") {
      if (!done.empty()) done.pop_back();
      continue;
    }
    const auto found = TRY(find(join_path(done_path(), part)));
    if (!found) return std::optional<Found>();
    if (!S_ISLNK(found->status.st_mode)) {
      done.push_back(part);
      continue;
    }
    if (++links > kMostLinks) return base::system_error("look up " + quote(path), ELOOP);
    const std::string target = TRY(read_link(*found));
    if (target.starts_with('/')) done.clear();
    const auto more = split_path(target);
    todo.insert(todo.begin(), more.begin(), more.end());
  }
  return find(join_path(done_path(), todo.empty() ? "" : todo.front()));
}

base::Result<std::vector<std::string>> ParentView::root_names() const {
  TRY(wait());
  std::set<std::string> names;
  for (const int layer_fd : layers_) {
    const auto listed = TRY(base::list_dir(layer_fd));
    names.insert(listed.begin(), listed.end());
  }
  std::vector<std::string> visible;
  for (const std::string& name : names) {
    const auto found = TRY(find(name));
    if (found) visible.push_back(name);
  }
  return visible;
}

base::Result<base::UniqueFd> open_found(const ParentView::Found& found, int flags) {
  return base::open_beneath(found.layer_fd, found.path.empty() ? "." : found.path, flags,
                            base::Links::kRefuse);
}

bool is_whiteout(const struct stat& status) {
  return S_ISCHR(status.st_mode) && status.st_rdev == ::makedev(0, 0);
}

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    if (slash != 0) parts.emplace_back(path.substr(0, slash));
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return parts;
}

std::string join_path(const std::string& directory, const std::string& name) {
  if (name.empty()) return directory;
  return directory.empty() ? name : directory + "/" + name;
}

}  // namespace stagebox::images
