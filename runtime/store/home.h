// Home: the state directory, where everything that outlives a run is kept. It finds, checks and
// opens the directory; what is in it belongs to the other classes of this folder.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::store {

/// Who asks, so that finding the directory is pure.
struct HomeRequest {
  /// The value of an environment variable.
  std::function<std::optional<std::string>(std::string_view name)> env;
  uid_t uid = 0;

  /// This process's environment and effective user.
  static HomeRequest of_process();
};

class Home {
 public:
  /// $STAGEBOX_HOME; else for root /var/lib/stagebox; else $XDG_DATA_HOME/stagebox; else
  /// $HOME/.local/share/stagebox. Empty variables count as unset, a relative $XDG_DATA_HOME as the
  /// XDG Base Directory Specification says. kInvalid for a relative $STAGEBOX_HOME, or when nothing
  /// is set.
  static base::Result<std::string> resolve(const HomeRequest& request);

  /// Creates it (0700) or checks it: kInvalid when it is another user's, or writable for others;
  /// kUnsupported when a newer Stagebox has changed how things lie in it.
  static base::Result<Home> open(const HomeRequest& request);

  /// Bytes of the file system of a state directory, used or not; also before there is one. None:
  /// cannot be told.
  static std::optional<std::uint64_t> disk_size(std::string path);

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] const std::string& path() const { return path_; }
  /// Where RunStore and DecisionStore are.
  [[nodiscard]] std::string run_database() const { return path_ + "/runs.db"; }
  /// Opens or creates (0700, durably) the subdirectory `name`, one component.
  [[nodiscard]] base::Result<base::UniqueFd> subdirectory(const std::string& name) const;

 private:
  Home(base::UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  base::UniqueFd fd_;
  std::string path_;
};

}  // namespace stagebox::store
