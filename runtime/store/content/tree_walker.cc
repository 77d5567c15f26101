#include "runtime/store/content/tree_walker.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

#include "runtime/base/dir_reader.h"
#include "runtime/base/files.h"
#include "runtime/base/printable.h"
#include "runtime/store/content/change_times.h"
#include "runtime/store/content/copy_bounds.h"
#include "runtime/store/content/ignore_file.h"

namespace stagebox::store {
namespace {

using base::EntryType;
using base::Result;
using base::UniqueFd;
using Verdict = EntryFilter::Verdict;

const char* type_name(mode_t mode) {
  if (S_ISFIFO(mode)) return "a fifo";
  if (S_ISSOCK(mode)) return "a socket";
  if (S_ISBLK(mode)) return "a block device";
  return S_ISCHR(mode) ? "a character device" : "of an unknown type";
}

}  // namespace

std::string TreeWalker::shown() const { return base::printable(path_.empty() ? "." : path_); }

Result<WalkedTree> TreeWalker::run(int dir_fd) {
  UniqueFd root(::openat(dir_fd, ".", base::kOpenDir));
  if (!root) return read_error("the directory", errno);
  tree_.dirs.emplace_back();
  TRY(enter(std::move(root), Verdict::kEnter));
  while (!frames_.empty()) {
    Frame& frame = frames_.back();
    path_.resize(frame.path_length);
    if (frame.next == frame.names.size()) {
      frames_.pop_back();
      filter_.leave();
      TRY(dirs_.pop());
    } else {
      const std::string name = std::move(frame.names[frame.next++]);
      TRY(visit(name));
    }
  }
  return std::move(tree_);
}

/// The directory has been added to tree_ as the last one.
Result<void> TreeWalker::enter(UniqueFd dir, Verdict verdict) {
  const struct stat status = TRY(base::stat_fd(dir.get()));
  const bool remembered = is_remembered(dir.get(), status.st_dev);
  tree_.dirs.back().remembered = remembered;
  if (witness_ != nullptr) {
    witness_->enter(path_, status);
    if (!remembered) witness_->spoil();
  }
  const std::uint64_t left = options_.max_entries - entries_;
  const std::uint64_t most = std::min(left, options_.max_directory_entries);
  auto names = base::list_dir_up_to(dir.get(), static_cast<std::size_t>(most) + 1);
  if (!names.ok()) return names.error().with_context("read " + shown());
  if (names->size() > left) {
    const std::string_view name = options_.max_entries_name;
    return base::invalid("the tree has more than " + std::to_string(options_.max_entries) +
                         " entries, which is its limit" +
                         (name.empty() ? "" : " (" + std::string(name) + ")") + "; reached in " +
                         shown());
  }
  if (names->size() > most)
    return base::invalid("the directory " + shown() + " has more than " + std::to_string(most) +
                         " entries, which is the limit");
  entries_ += names->size();
  const std::string ignore_file = TRY(ignore_text(dir.get()));
  filter_.enter(path_, verdict, ignore_file);
  TRY(dirs_.push(std::move(dir)));
  frames_.push_back({std::move(*names), 0, path_.size(), tree_.dirs.size() - 1, status.st_dev});
  return {};
}

bool TreeWalker::is_remembered(int dir_fd, dev_t device) const {
  const bool same_device = !frames_.empty() && frames_.back().device == device;
  return same_device ? tree_.dirs[frames_.back().dir].remembered : has_change_times(dir_fd);
}

Result<std::string> TreeWalker::ignore_text(int dir_fd) {
  if (!options_.gitignore) return std::string();
  auto file = TRY(read_ignore_file(
      dir_fd, ".gitignore", base::printable(path_.empty() ? ".gitignore" : path_ + "/.gitignore")));
  if (!file) return std::string();
  if (witness_ != nullptr) witness_->see(tree_.dirs.size() - 1, ".gitignore", file->status);
  return std::move(file->text);
}

Result<void> TreeWalker::visit(const std::string& name) {
  TRY(check_not_stopped(options_.stop));
  if (!path_.empty()) path_ += '/';
  path_ += name;
  struct stat status{};
  if (::fstatat(dirs_.top(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return {};  // gone since the listing, as if it had never been there
    return read_error(shown(), errno);
  }
  const bool directory = S_ISDIR(status.st_mode);
  const Verdict verdict =
      filter_.judge(path_, directory ? EntryType::kDirectory : EntryType::kOther);
  if (verdict == Verdict::kSkip) return {};
  auto named = check_entry_name(name);
  if (!named.ok()) return named.error().with_context("store " + shown());
  if (directory) return visit_directory(name, verdict);
  if (witness_ != nullptr) witness_->see(frames_.back().dir, name, status);
  if (const RefusedFile* refused = find_refused(options_.refused, status))
    return base::invalid(shown() + " is " + refused->why);
  if (S_ISREG(status.st_mode)) return visit_file(name, status);
  if (S_ISLNK(status.st_mode)) return visit_symlink(name);
  if (options_.special_files == SpecialFiles::kLeftOut) return {};
  return base::invalid(shown() + " is " + type_name(status.st_mode) +
                       "; only files, directories and symbolic links can be stored; remove or "
                       "exclude it");
}

Result<void> TreeWalker::visit_directory(const std::string& name, Verdict verdict) {
  if (dirs_.depth() > options_.max_depth) {
    return base::invalid("the tree is deeper than " + std::to_string(options_.max_depth) +
                         " directories, which is its limit");
  }
  UniqueFd dir(::openat(dirs_.top(), name.c_str(), base::kOpenDir));
  if (!dir && errno == ENOENT) return {};
  if (!dir) return read_error(shown(), errno);
  tree_.dirs.push_back({.name = name,
                        .parent = frames_.back().dir,
                        .optional = verdict == Verdict::kEnter,
                        .listing = {}});
  return enter(std::move(dir), verdict);
}

Result<void> TreeWalker::visit_file(const std::string& name, const struct stat& status) {
  WalkedFile file{.dir = frames_.back().dir,
                  .path = path_,
                  .mode = status.st_mode,
                  .size = static_cast<std::uint64_t>(status.st_size)};
  if (cache_ != nullptr && tree_.dirs[file.dir].remembered)
    file.digest = cache_->find(path_, status);
  if (path_.size() > base::kLongestPath && intake_ != nullptr)
    TRY(intake_->take(dirs_.top(), name, file, SourceFiles::kKept));
  tree_.files.push_back(std::move(file));
  return {};
}

Result<void> TreeWalker::visit_symlink(const std::string& name) {
  // Not st_size: it is only a hint (0 on some file systems), and the link may change.
  std::string target(PATH_MAX, '\0');
  const ssize_t length = ::readlinkat(dirs_.top(), name.c_str(), target.data(), target.size());
  if (length < 0 && errno == ENOENT) return {};
  if (length < 0) return read_error(shown(), errno);
  target.resize(static_cast<std::size_t>(length));
  if (!base::is_utf8(target)) {
    return base::invalid("the target of the link " + shown() + ", " + base::printable(target) +
                         ", is not UTF-8, which stored trees (Remote Execution API) require");
  }
  tree_.dirs[frames_.back().dir].listing.symlinks.push_back({name, std::move(target)});
  return {};
}

}  // namespace stagebox::store
