#include "runtime/run/secret_leak.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <optional>
#include <utility>

#include "runtime/base/files.h"
#include "runtime/base/printable.h"
#include "runtime/base/units.h"
#include "runtime/run/secrets/secret_masker.h"
#include "runtime/store/content/copy_bounds.h"

namespace stagebox::run {
namespace {

using base::Result;
using base::UniqueFd;

constexpr std::size_t kBuffer = std::size_t{256} << 10U;

// Of one output. Stops at the first place.
class LeakSearch {
 public:
  LeakSearch(WorkspaceView::Place place, const SecretAutomaton& secrets, SearchLimits limits)
      : place_(std::move(place)), secrets_(secrets), limits_(std::move(limits)), buffer_(kBuffer) {}

  /// What is wrong with it; nothing when it is clean.
  Result<std::optional<std::string>> search() {
    levels_.push_back({"", {place_.path.display()}});
    while (!levels_.empty()) {
      Level& level = levels_.back();
      if (level.names.empty()) {
        levels_.pop_back();
        continue;
      }
      const std::string at = level.prefix + level.names.back();
      level.names.pop_back();
      auto problem = TRY(look_at(at));
      if (problem) return problem;
    }
    return std::optional<std::string>();
  }
  /// How many entries of directories it came past.
  [[nodiscard]] std::uint64_t entries() const { return entries_; }

 private:
  using Problem = std::optional<std::string>;
  /// What is still to be looked at in one directory. Its path stands here once, and not before each
  /// of a million names.
  struct Level {
    std::string prefix;
    std::vector<std::string> names;
  };

  bool is_secret(std::string_view text) { return masked(secrets_, text) != text; }
  std::string shown(const std::string& path) {
    const std::string above = place_.at.is_self() ? "" : place_.at.str() + "/";
    return base::printable(masked(secrets_, above + path));
  }

  Result<Problem> look_at(const std::string& path) {
    TRY(store::check_not_stopped(limits_.stop));
    if (is_secret(path)) return Problem("the name " + shown(path) + " contains a secret");
    const auto found =
        base::open_beneath(place_.directory, path, O_PATH | O_NOFOLLOW, base::Links::kRefuse);
    if (!found.ok()) return unreachable(path, found.error());
    const struct stat status = TRY(base::stat_fd(found->get()));
    if (S_ISLNK(status.st_mode)) return look_at_link(path, found->get());
    if (S_ISREG(status.st_mode)) return look_into_file(path);
    if (S_ISDIR(status.st_mode)) return look_into_directory(path);
    return Problem();  // The capture refuses it.
  }

  // A directory that is too deep for one path, or that the stage made unreadable.
  Result<Problem> unreachable(const std::string& path, const base::Error& error) {
    if (error.errno_value == ENOENT || error.errno_value == ENOTDIR || error.errno_value == ELOOP)
      return Problem();  // The capture says so.
    return Problem("whether " + shown(path) + " contains a secret cannot be found out: " +
                   base::errno_text(error.errno_value));
  }

  Result<Problem> look_at_link(const std::string& path, int fd) {
    std::array<char, PATH_MAX> target{};
    const ssize_t size = ::readlinkat(fd, "", target.data(), target.size());
    if (size < 0) return base::errno_error("read a link in the workspace");
    if (!is_secret(std::string_view(target.data(), static_cast<std::size_t>(size))))
      return Problem();
    return Problem("the link " + shown(path) + " contains a secret");
  }

  Result<Problem> look_into_file(const std::string& path) {
    const auto file =
        base::open_beneath(place_.directory, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
                           base::Links::kRefuse);
    if (!file.ok()) return unreachable(path, file.error());
    SecretMasker masker(secrets_);
    for (Part part = TRY(next_data(file->get(), 0)); part.begin < part.end;
         part = TRY(next_data(file->get(), part.end))) {
      auto problem = TRY(look_into_part(file->get(), part, path, masker));
      if (problem) return problem;
    }
    return Problem();
  }

  struct Part {
    off_t begin = 0;
    off_t end = 0;
  };

  // Holes say nothing, and a file of a few blocks can have eight exbibytes of them.
  static Result<Part> next_data(int fd, off_t from) {
    const off_t begin = ::lseek(fd, from, SEEK_DATA);
    if (begin < 0 && errno == ENXIO) return Part();
    if (begin < 0) return base::errno_error("look for the data of an output");
    const off_t end = ::lseek(fd, begin, SEEK_HOLE);
    if (end < 0) return base::errno_error("look for the holes of an output");
    return Part{begin, end};
  }

  Result<Problem> look_into_part(int fd, Part part, const std::string& path, SecretMasker& masker) {
    std::string ignored;
    while (part.begin < part.end) {
      TRY(store::check_not_stopped(limits_.stop));
      const auto wanted = std::min(buffer_.size(), static_cast<std::size_t>(part.end - part.begin));
      const ssize_t count = ::pread(fd, buffer_.data(), wanted, part.begin);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return base::errno_error("read an output");
      if (count == 0) break;
      const auto size = static_cast<std::uint64_t>(count);
      if (size > limits_.bytes - bytes_)
        return Problem("it is larger than its limit of " + base::format_bytes(limits_.bytes));
      bytes_ += size;
      masker.feed(std::as_bytes(std::span(buffer_.data(), size)), ignored);
      ignored.clear();
      if (masker.found()) return Problem("the file " + shown(path) + " contains a secret");
      part.begin += count;
    }
    // What stands before a hole and behind it is not one text.
    masker.feed(std::as_bytes(std::span("", 1)), ignored);
    return Problem();
  }

  Result<Problem> look_into_directory(const std::string& path) {
    const auto directory =
        base::open_beneath(place_.directory, path, O_RDONLY | O_DIRECTORY, base::Links::kRefuse);
    if (!directory.ok()) return unreachable(path, directory.error());
    auto names = TRY(base::list_dir(directory->get()));
    if (names.size() > limits_.entries - entries_)
      return Problem("it has more files and directories than its limit of " +
                     std::to_string(limits_.entries));
    entries_ += names.size();
    levels_.push_back({path == "." ? "" : path + "/", std::move(names)});
    return Problem();
  }

  WorkspaceView::Place place_;
  const SecretAutomaton& secrets_;
  SearchLimits limits_;
  std::uint64_t bytes_ = 0;
  std::uint64_t entries_ = 0;
  std::vector<Level> levels_;
  std::vector<char> buffer_;
};

}  // namespace

Result<std::vector<std::string>> find_secrets(const std::vector<scheduler::Output>& outputs,
                                              const WorkspaceView& workspace,
                                              const SecretAutomaton& secrets,
                                              std::uint64_t max_entries,
                                              const std::stop_token& stop) {
  std::vector<std::string> problems;
  for (const scheduler::Output& output : outputs) {
    SearchLimits limits;
    limits.entries = max_entries;
    limits.stop = stop;
    if (output.max_size) limits.bytes = *output.max_size;
    LeakSearch one(workspace.find(output.path), secrets, limits);
    auto problem = TRY(one.search());
    max_entries -= one.entries();
    if (problem) problems.push_back("output \"" + output.name + "\": " + *problem);
  }
  return problems;
}

Result<std::optional<std::string>> find_secret_below(int dir_fd, const SecretAutomaton& secrets,
                                                     const SearchLimits& limits) {
  return LeakSearch({dir_fd, {}, {}}, secrets, limits).search();
}

}  // namespace stagebox::run
