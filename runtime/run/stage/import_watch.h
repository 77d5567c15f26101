// ImportWatch: who is told that an image is being imported, so that the wait can be shown. The
// imports of a run come one at a time.
#pragma once

#include <string>

#include "images/base/import_progress.h"

namespace stagebox::run {

class ImportWatch {
 public:
  ImportWatch() = default;
  ImportWatch(const ImportWatch&) = delete;
  ImportWatch& operator=(const ImportWatch&) = delete;
  virtual ~ImportWatch() = default;

  /// `name` is what the user calls the image; `progress` lives until ended().
  virtual void started(const std::string& name, const images::ImportProgress& progress) = 0;
  virtual void ended() = 0;
};

/// An import while this lives; `watch` may be null.
class WatchedImport {
 public:
  WatchedImport(ImportWatch* watch, const std::string& name) : watch_(watch) {
    if (watch_ != nullptr) watch_->started(name, progress_);
  }
  ~WatchedImport() {
    if (watch_ != nullptr) watch_->ended();
  }
  WatchedImport(const WatchedImport&) = delete;
  WatchedImport& operator=(const WatchedImport&) = delete;

  /// For ImportOptions.
  images::ImportProgress* progress() { return &progress_; }

 private:
  ImportWatch* watch_;
  images::ImportProgress progress_;
};

}  // namespace stagebox::run
