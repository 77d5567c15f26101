// Small operations on files, relative to directory descriptors. Nothing here follows a path twice,
// and everything that reads has a limit.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::base {

/// How far a path may lead. Both refuse to leave `dir_fd`, with openat2(2).
enum class Links {
  kFollowBeneath,  ///< Symbolic links are followed while they stay beneath the directory.
  kRefuse,         ///< No component may be a symbolic link (ELOOP).
};

/// open(2) for a path that a person of this machine gave; O_CLOEXEC is added.
Result<UniqueFd> open_path(const std::string& path, int flags, unsigned mode = 0);
/// openat2(2) beneath `dir_fd`; for paths that an image, an input or a stage can influence.
Result<UniqueFd> open_beneath(int dir_fd, const std::string& path, int flags, Links links,
                              unsigned mode = 0);
/// The path of what a descriptor is open for, without links; needs /proc.
Result<std::string> path_of(int fd);
/// A second descriptor for the same open file, CLOEXEC.
Result<UniqueFd> duplicate(int fd);

/// Reads to the end of file; kInvalid when there are more than `limit` bytes.
Result<std::string> read_all(int fd, std::size_t limit);
Result<std::string> read_file(const std::string& path, std::size_t limit);
Result<std::string> read_file_at(int dir_fd, const std::string& name, std::size_t limit);

/// Writes all of it, over short writes and EINTR. "No space left" is told with the path.
Result<void> write_all(int fd, std::span<const std::byte> data);
Result<void> write_all(int fd, std::string_view data);
/// Whether something is on the disk when it is done, or some seconds later.
enum class Durable { kNow, kLater };
/// Writes a fresh file beside `name`, fsyncs it, renames it over `name`, fsyncs the directory. With
/// kLater without the fsyncs: a crash of the machine may leave it empty or half written.
Result<void> replace_file_at(int dir_fd, const std::string& name, std::string_view content,
                             unsigned mode, Durable durable = Durable::kNow);
/// Removes what replace_file_at() of a process that was killed left in the directory, an hour
/// later.
Result<void> remove_abandoned_files(int dir_fd);

Result<void> make_dir_at(int dir_fd, const std::string& name, unsigned mode);
/// mkdir -p for a path of this machine's own (not for untrusted ones).
Result<void> make_dirs(const std::string& path, unsigned mode);
/// The names in a directory without "." and "..", sorted by bytes. `dir_fd` keeps its position.
Result<std::vector<std::string>> list_dir(int dir_fd);
Result<struct stat> stat_at(int dir_fd, const std::string& name);
Result<struct stat> stat_fd(int fd);

/// Removes `name` and everything below it: never follows a link, never crosses into another mount,
/// makes unreadable directories readable first, any depth, with a bounded number of descriptors.
/// Nothing there is success.
Result<void> remove_tree_at(int dir_fd, const std::string& name);

/// Calls `fn` at the end of the scope.
class ScopeExit {
 public:
  explicit ScopeExit(std::function<void()> fn) : fn_(std::move(fn)) {}
  ScopeExit(const ScopeExit&) = delete;
  ScopeExit& operator=(const ScopeExit&) = delete;
  ~ScopeExit() {
    if (fn_) fn_();
  }
  void dismiss() { fn_ = nullptr; }

 private:
  std::function<void()> fn_;
};

}  // namespace stagebox::base
