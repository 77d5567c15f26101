#include "runtime/run/engine/host_mount.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <vector>

#include "runtime/base/dir_stack.h"
#include "runtime/base/files.h"
#include "runtime/base/printable.h"

namespace stagebox::run {
namespace {

using base::Result;
using base::UniqueFd;
using sandbox::InputMount;

// As many as a stored tree may have.
constexpr std::size_t kMaxLookedAt = 1'000'000;
// The user himself in the user namespace that Stagebox made (HostIds::Kind::kSubordinate).
constexpr uid_t kCaller = 0;

// Whether it is the caller's own, and others may do less with it than he.
bool is_private(const struct stat& status) {
  if (status.st_uid != kCaller || S_ISLNK(status.st_mode)) return false;
  const mode_t others = status.st_mode & S_IRWXO;
  const mode_t needed = S_ISDIR(status.st_mode) || (status.st_mode & S_IXUSR) != 0
                            ? S_IROTH | S_IXOTH
                            : mode_t{S_IROTH};
  return (others & needed) != needed;
}

// Looks for the first private entry below a directory. Nothing is followed; what cannot be looked
// at is not the caller's own.
class PrivateSearch {
 public:
  Result<bool> found_below(int dir_fd) {
    TRY(enter(dir_fd, "."));
    while (stack_.depth() > 0) {
      std::vector<std::string>& names = names_.back();
      if (names.empty()) {
        names_.pop_back();
        TRY(stack_.pop());
        continue;
      }
      const std::string name = std::move(names.back());
      names.pop_back();
      // Far too many to copy: as they are then.
      if (++looked_at_ > kMaxLookedAt) return false;
      const auto status = base::stat_at(stack_.top(), name);
      if (!status.ok()) continue;
      if (is_private(*status)) return true;
      if (S_ISDIR(status->st_mode)) TRY(enter(stack_.top(), name));
    }
    return false;
  }

 private:
  Result<void> enter(int parent, const std::string& name) {
    auto dir = base::open_beneath(parent, name, O_RDONLY | O_DIRECTORY, base::Links::kRefuse);
    if (!dir.ok()) return {};
    auto names = base::list_dir(dir->get());
    if (!names.ok()) return {};
    TRY(stack_.push(std::move(*dir)));
    names_.push_back(std::move(*names));
    return {};
  }

  base::DirStack stack_;
  std::vector<std::vector<std::string>> names_;  ///< Of each level, those still to be looked at.
  std::size_t looked_at_ = 0;
};

// What the path names without any link: who judged it saw no other file.
Result<UniqueFd> open_without_links(const std::string& path, int flags) {
  const UniqueFd root = TRY(base::open_path("/", O_PATH | O_DIRECTORY));
  const std::size_t start = path.find_first_not_of('/');
  return base::open_beneath(root.get(), start == std::string::npos ? "." : path.substr(start),
                            flags, base::Links::kRefuse);
}

Result<UniqueFd> copy_directory(int source, const std::string& path, InputMount::Mode mode,
                                store::ContentStore& store, const store::StageIds& user) {
  const UniqueFd dir =
      TRY(base::open_beneath(source, ".", O_RDONLY | O_DIRECTORY, base::Links::kRefuse));
  store::TreeOptions options;
  // Other than that of a stage's input, which leaves .git out.
  options.stat_cache_key = path + std::string("\0m", 2);
  const store::TreeRef tree = TRY(store.put_tree(dir.get(), options));
  return mode == InputMount::Mode::kOverlay ? store.open_overlay_tree(tree.root, user)
                                            : store.open_tree(tree.root);
}

Result<UniqueFd> copy_file(const std::string& path, store::ContentStore& store) {
  const UniqueFd file = TRY(open_without_links(path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  const struct stat status = TRY(base::stat_fd(file.get()));
  const auto executable =
      (status.st_mode & S_IXUSR) != 0 ? store::Executable::kYes : store::Executable::kNo;
  const store::BlobRef blob = TRY(store.put_file(file.get(), executable));
  return store.open_file(blob.digest, executable);
}

Result<bool> has_to_be_copied(int source, const struct stat& status, InputMount::Mode mode) {
  if (mode == InputMount::Mode::kOverlay || is_private(status)) return true;
  if (!S_ISDIR(status.st_mode)) return false;
  return PrivateSearch().found_below(source);
}

}  // namespace

Result<HostMount> open_host_mount(const std::string& path, InputMount::Mode mode,
                                  LocalEngine& engine, const store::StageIds& user) {
  HostMount mount;
  mount.source = TRY(open_without_links(path, O_PATH));
  const struct stat status = TRY(base::stat_fd(mount.source.get()));
  const bool directory = S_ISDIR(status.st_mode);
  const std::string shown = base::printable(path);
  if (!directory && !S_ISREG(status.st_mode))
    return base::invalid(shown + " is neither a file nor a directory");
  if (mode == InputMount::Mode::kOverlay && !directory)
    return base::invalid("only a directory can be an overlay: " + shown);
  if (!directory) mount.kind = InputMount::Kind::kFile;
  if (engine.ids()->kind() != sandbox::HostIds::Kind::kSubordinate ||
      !TRY(has_to_be_copied(mount.source.get(), status, mode)))
    return mount;
  store::ContentStore* const store = TRY(engine.open_content());
  auto copy = directory ? copy_directory(mount.source.get(), path, mode, *store, user)
                        : copy_file(path, *store);
  if (!copy.ok()) {
    return copy.error().with_context("copy " + shown +
                                     ", of which the sandbox may not see all that "
                                     "is yours otherwise");
  }
  mount.source = std::move(*copy);
  return mount;
}

}  // namespace stagebox::run
