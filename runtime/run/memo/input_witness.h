// InputWitness: what the stages of a run looked at in the pipeline's directory, for a RunMemo.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "runtime/run/memo/run_memo.h"

namespace stagebox::run {

/// Thread-safe. What several stages look at is kept as the first one saw it: a change in between is
/// younger than the run, and no memo is made of what is that young.
class InputWitness {
 public:
  /// A file, with its status from before it was read.
  void see_file(const std::string& path, const struct stat& status);
  /// Something that need not be there, before it is looked at. `project_fd` is the pipeline's
  /// directory.
  void look(MemoPlace::Root root, const std::string& path, int project_fd);
  /// A directory; `name` is the same for equal walks of equal directories.
  void see_walk(const std::string& name, const std::string& path, store::WalkWitness witness);

  [[nodiscard]] std::vector<MemoPlace> take_places();
  [[nodiscard]] std::vector<MemoWalk> take_walks();

 private:
  std::mutex mutex_;
  std::map<std::pair<MemoPlace::Root, std::string>, std::optional<store::EntryStamp>> places_;
  std::map<std::string, MemoWalk> walks_;  ///< By name.
};

}  // namespace stagebox::run
