// ParentView: what the layers below a layer look like together, for the few questions that applying
// a layer has to ask them: the target of a hard link, the attributes of a directory that the layer
// only implies, whether a whiteout hides anything. It reads layers in the overlay form that
// LayerTree writes, without mounting them. Complete layers never change.
//
// Layers are applied in parallel, and this is where one waits for those below. Since questions only
// go downwards, and layers are started from the bottom up, nobody waits in a circle.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::images {

/// Where the layers below may still be in the making: how to wait for them.
class ParentGate {
 public:
  ParentGate() = default;
  ParentGate(const ParentGate&) = delete;
  ParentGate& operator=(const ParentGate&) = delete;
  virtual ~ParentGate() = default;

  /// Returns when all layers below are complete, at once if they are; kCancelled when they never
  /// will be.
  virtual base::Result<void> wait() = 0;
};

/// For who knows that there is nothing to wait for.
class NothingBelow final : public ParentGate {
 public:
  base::Result<void> wait() override { return {}; }
};

class ParentView {
 public:
  struct Found {
    int layer_fd = -1;
    std::string path;  ///< Beneath the layer; no component but the last can be a link.
    struct stat status{};
  };

  ParentView() = default;
  /// Descriptors of the layers' directories, top first. They and the gate must outlive the view.
  /// Without a gate the layers are complete.
  explicit ParentView(std::vector<int> layers, ParentGate* gate = nullptr)
      : layers_(std::move(layers)), gate_(gate) {}

  /// `path` is normal and relative, "" the root. No link is followed: a path below one is not
  /// there.
  [[nodiscard]] base::Result<std::optional<Found>> find(const std::string& path) const;
  /// The same, but links among the parent directories are followed within the view.
  [[nodiscard]] base::Result<std::optional<Found>> find_through_links(
      const std::string& path) const;
  /// Every name that is visible in the root directory.
  [[nodiscard]] base::Result<std::vector<std::string>> root_names() const;
  [[nodiscard]] bool empty() const { return layers_.empty(); }

 private:
  [[nodiscard]] base::Result<void> wait() const;

  std::vector<int> layers_;
  ParentGate* gate_ = nullptr;
};

/// Opens what find() found. `flags` as for open(2).
base::Result<base::UniqueFd> open_found(const ParentView::Found& found, int flags);

/// So many symbolic links are followed for one path: as the kernel's MAXSYMLINKS.
constexpr int kMostLinks = 40;

/// The mark of a hidden name in overlay form: a character device 0:0.
bool is_whiteout(const struct stat& status);
/// The mark of an opaque directory in overlay form, as read with the mount option "userxattr".
constexpr const char* kOpaqueXattr = "user.overlay.opaque";

/// Splits at slashes, without empty components.
std::vector<std::string> split_path(std::string_view path);
/// "a", "b" -> "a/b"; "", "b" -> "b".
std::string join_path(const std::string& directory, const std::string& name);

}  // namespace stagebox::images
