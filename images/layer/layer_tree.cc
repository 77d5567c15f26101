#include "images/layer/layer_tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <deque>

#include "images/base/text.h"
#include "runtime/base/files.h"

namespace stagebox::images {
namespace {

constexpr mode_t kWorkMode = 0700;       // of directories until finish()
constexpr const char* kNoRequest = "/";  // no normal path looks like this

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

std::string name_of_path(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

base::Result<std::string> read_link_at(int dir_fd, const std::string& name) {
  std::array<char, PATH_MAX> target{};
  const ssize_t size = ::readlinkat(dir_fd, name.c_str(), target.data(), target.size());
  if (size < 0) return base::errno_error("read the link " + quote(name));
  return std::string(target.data(), static_cast<std::size_t>(size));
}

bool leads_nowhere(const base::Error& error) {
  return error.errno_value == ENOENT || error.errno_value == ENOTDIR || error.errno_value == ELOOP;
}

}  // namespace

base::Result<base::UniqueFd> LayerTree::open_dir(const std::string& real_path, int flags) const {
  return base::open_beneath(root_fd_, real_path.empty() ? "." : real_path, flags | O_DIRECTORY,
                            base::Links::kRefuse);
}

base::Result<int> LayerTree::cached_dir(const std::string& real_path) {
  if (!cached_fd_ || cached_real_ != real_path) {
    cached_fd_ = TRY(open_dir(real_path, O_PATH));
    cached_real_ = real_path;
    cached_request_ = kNoRequest;
  }
  return cached_fd_.get();
}

base::Result<LayerTree::Place> LayerTree::place(const base::RelativePath& path) {
  const base::RelativePath parent = path.parent();
  if (!cached_fd_ || cached_request_ != parent.str()) {
    const std::string real = TRY(resolve(parent, Missing::kCreate));
    (void)TRY(cached_dir(real));
    cached_request_ = parent.str();
  }
  return Place{cached_fd_.get(), path.name(), join_path(cached_real_, path.name())};
}

base::Result<std::optional<LayerTree::Place>> LayerTree::existing_place(
    const base::RelativePath& path) {
  const std::string real = TRY(resolve(path.parent(), Missing::kKeep));
  const auto dir_fd = cached_dir(real);
  if (!dir_fd.ok() && leads_nowhere(dir_fd.error())) return std::optional<Place>();
  if (!dir_fd.ok()) return dir_fd.error();
  return std::optional(Place{*dir_fd, path.name(), join_path(real, path.name())});
}

// Walks component by component and keeps a path without links, so that ".." in a link's target is
// right by letters.
base::Result<std::string> LayerTree::resolve(const base::RelativePath& directory, Missing missing) {
  const auto parts = directory.components();
  std::deque<std::string> todo(parts.begin(), parts.end());
  std::string real;
  int links = 0;
  while (!todo.empty()) {
    const std::string part = todo.front();
    todo.pop_front();
    if (part == ".") continue;
    if (part == "..") {
      real = parent_of(real);
      continue;
    }
    std::vector<std::string> detour;
    TRY(enter(real, part, missing, detour));
    if (!detour.empty() && ++links > kMostLinks) {
      return base::invalid("the path " + quote(directory.str()) + " has too many links");
    }
    todo.insert(todo.begin(), detour.begin(), detour.end());
  }
  if (split_path(real).size() > budget_.limits().path_depth || real.size() >= PATH_MAX) {
    return base::invalid("the path " + quote(real) + " is too deep");
  }
  return real;
}

// One step down. A link leaves its target in `detour`, to be walked next.
base::Result<void> LayerTree::enter(std::string& path, const std::string& part, Missing missing,
                                    std::vector<std::string>& detour) {
  const std::string below = join_path(path, part);
  if (directories_.contains(below)) {
    path = below;
    return {};
  }
  const auto dir = open_dir(path, O_PATH);
  if (!dir.ok() && missing == Missing::kKeep && leads_nowhere(dir.error())) {
    path = below;
    return {};
  }
  if (!dir.ok()) return dir.error();
  const auto status = base::stat_at(dir->get(), part);
  if (!status.ok() && status.error().errno_value != ENOENT) return status.error();
  if (status.ok() && S_ISLNK(status->st_mode)) {
    const std::string target = TRY(read_link_at(dir->get(), part));
    if (target.starts_with('/')) path.clear();
    detour = split_path(target);
    if (detour.empty()) detour.emplace_back(".");
    return {};
  }
  if (missing == Missing::kCreate) {
    if (status.ok() && !S_ISDIR(status->st_mode)) {
      return base::invalid(quote(below) + " is a file of this layer and cannot hold entries");
    }
    if (!status.ok()) TRY(make_implied(dir->get(), below));
  }
  path = below;
  return {};
}

base::Result<void> LayerTree::make_implied(int parent_fd, const std::string& real_path) {
  TRY(budget_.charge_entry());
  if (split_path(real_path).size() > budget_.limits().path_depth) {
    return base::invalid("the path " + quote(real_path) + " is too deep");
  }
  TRY(base::make_dir_at(parent_fd, name_of_path(real_path), kWorkMode));
  return remember(real_path, std::nullopt);
}

base::Result<void> LayerTree::remember(const std::string& real_path, DirectoryAttributes own) {
  const std::uint64_t cost = own ? own->cost() : sizeof(DirectoryAttributes);
  TRY(budget_.charge_pending(real_path.size() + cost));
  directories_[real_path] = std::move(own);
  return {};
}

void LayerTree::forget_below(const std::string& real_path) {
  const auto is_inside = [&](const std::string& path) {
    return path == real_path || path.starts_with(real_path + "/");
  };
  // "a", "a/b" and "a/c" are not neighbours: "a-b" sorts between. So two steps.
  directories_.erase(real_path);
  opaques_.erase(real_path);
  auto first = directories_.lower_bound(real_path + "/");
  while (first != directories_.end() && is_inside(first->first)) first = directories_.erase(first);
  auto opaque = opaques_.lower_bound(real_path + "/");
  while (opaque != opaques_.end() && is_inside(*opaque)) opaque = opaques_.erase(opaque);
}

base::Result<void> LayerTree::clear(const Place& place) {
  const std::string& name = place.name;
  // What goes may be a link by which the cached directory was found; the directory itself stays.
  cached_request_ = kNoRequest;
  if (::unlinkat(place.dir_fd, name.c_str(), 0) == 0) {
    ++stats_.replaced;
    return {};
  }
  if (errno == ENOENT) return {};
  if (errno != EISDIR && errno != EPERM) return base::errno_error("replace " + quote(name));
  // The removal of a directory of ours: what was in it goes, as with every runtime.
  TRY(base::remove_tree_at(place.dir_fd, name));
  ++stats_.replaced;
  forget_below(place.real_path);
  return {};
}

base::Result<void> LayerTree::add_directory(const base::RelativePath& path,
                                            FileAttributes attributes) {
  if (path.is_self()) return remember("", std::move(attributes));
  const Place where = TRY(place(path));
  if (::mkdirat(where.dir_fd, where.name.c_str(), kWorkMode) != 0) {
    if (errno != EEXIST) return base::errno_error("create the directory " + quote(path.str()));
    if (!directories_.contains(where.real_path)) {
      TRY(clear(where));
      return add_directory(path, std::move(attributes));
    }
  }
  return remember(where.real_path, std::move(attributes));
}

base::Result<void> LayerTree::add_whiteout(const base::RelativePath& hidden) {
  const std::string parent = TRY(resolve(hidden.parent(), Missing::kKeep));
  TRY(budget_.charge_pending(parent.size() + hidden.name().size() + sizeof(std::string)));
  whiteouts_.insert(join_path(parent, hidden.name()));
  return {};
}

base::Result<void> LayerTree::add_opaque(const base::RelativePath& directory) {
  const std::string real = TRY(resolve(directory, Missing::kCreate));
  TRY(budget_.charge_pending(real.size() + sizeof(std::string)));
  opaques_.insert(real);
  return {};
}

}  // namespace stagebox::images
