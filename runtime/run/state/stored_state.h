// StoredState: the state directory for commands that only look (runs, show, logs, artifacts, image
// list). It needs no sandbox, no fork server and no thread; what runs stages is LocalEngine.
#pragma once

#include <utility>

#include "images/image_store.h"
#include "runtime/base/result.h"
#include "runtime/store/content/content_store.h"
#include "runtime/store/home.h"
#include "runtime/store/runs/run_store.h"

namespace stagebox::run {

enum class Recovery {
  kNow,
  /// What the dead left stays, but their runs have ended. For a caller that opens the engine next:
  /// a process can take its user's ids once only.
  kRunsOnly,
};

class StoredState {
 public:
  /// An ordinary user needs no user namespace for it: all of the state is readable for its owner.
  /// When a Stagebox died and left something, the whole engine is opened once, because the next
  /// command, whichever it is, undoes that. Only while the process has one thread.
  static base::Result<StoredState> open(Recovery recovery = Recovery::kNow);

  [[nodiscard]] const store::Home& home() const { return home_; }
  [[nodiscard]] const store::RunStore& runs() const { return runs_; }
  [[nodiscard]] const store::ContentStore& content() const { return content_; }

 private:
  StoredState(store::Home home, store::RunStore runs, store::ContentStore content)
      : home_(std::move(home)), runs_(std::move(runs)), content_(std::move(content)) {}

  store::Home home_;
  store::RunStore runs_;
  store::ContentStore content_;
};

/// The image store alone, with the ownership that this user's layers have. Only while the process
/// has one thread.
base::Result<images::ImageStore> open_image_store();

}  // namespace stagebox::run
