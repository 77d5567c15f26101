// ImageProvider: the images of one pipeline, imported at most once per run however many stages use
// them, and only when a stage really needs them.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

#include "images/image_store.h"
#include "runtime/base/result.h"
#include "runtime/base/trust_domain.h"
#include "runtime/run/stage/import_watch.h"
#include "scheduler/pipeline.h"

namespace stagebox::run {

/// An image with its layers open; they stay as long as this lives.
struct OpenImage {
  images::Image image;
  images::RootFs rootfs;
};

/// How the imports of a run are shown and stopped.
struct ImportHooks {
  ImportWatch* watch = nullptr;  ///< May be null; outlives the provider.
  std::stop_token stop;
};

class ImageProvider {
 public:
  /// An untrusted pipeline gets archives in its own directory, not by a link out of it, and stored
  /// images that somebody gave a name: a digest would be a way to what others have used.
  ImageProvider(const scheduler::Pipeline& pipeline, images::ImageStore& store,
                std::string project_path, base::Trust trust, ImportHooks hooks)
      : pipeline_(pipeline),
        store_(store),
        project_path_(std::move(project_path)),
        trust_(trust),
        hooks_(std::move(hooks)) {}

  /// Thread-safe; a second caller waits for the first one's import.
  base::Result<std::shared_ptr<const OpenImage>> get(const std::string& name);
  /// Those that were asked for and could be used, by their names in the pipeline.
  std::map<std::string, std::shared_ptr<const OpenImage>> opened();
  /// "gcc (images/gcc.tar)": its name in the pipeline and where it comes from, for people.
  [[nodiscard]] std::string described(const std::string& name) const;

 private:
  base::Result<std::shared_ptr<const OpenImage>> load(const std::string& name) const;
  [[nodiscard]] base::Result<std::string> archive_path(const base::RelativePath& path) const;
  [[nodiscard]] base::Result<void> check_name(const std::string& stored) const;

  const scheduler::Pipeline& pipeline_;
  images::ImageStore& store_;
  std::string project_path_;
  base::Trust trust_;
  ImportHooks hooks_;
  std::mutex mutex_;
  std::map<std::string, base::Result<std::shared_ptr<const OpenImage>>> images_;
};

}  // namespace stagebox::run
