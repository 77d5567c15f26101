// InputWitness: what the stages of a run looked at in the pipeline's directory, for a RunMemo.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "runtime/run/memo/run_memo.h"

namespace stagebox::run {

/// Thread-safe. What several stages look at has to look the same to each of them: what was changed
/// in between is younger than the run, and no memo is made of that, but a link or a directory above
/// can have been made to lead to something older.
class InputWitness {
 public:
  /// A file, with its status from before it was read.
  void see_file(const std::string& path, const struct stat& status);
  /// Something that need not be there, before it is looked at. `project_fd` is the pipeline's
  /// directory.
  void look(MemoPlace::Root root, const std::string& path, int project_fd);
  /// A directory; `name` is the same for equal walks of equal directories.
  void see_walk(const std::string& name, const std::string& path, store::WalkWitness witness);

  /// Whether everything looked the same each time.
  [[nodiscard]] bool is_consistent();
  [[nodiscard]] std::vector<MemoPlace> take_places();
  [[nodiscard]] std::vector<MemoWalk> take_walks();

 private:
  using PlaceName = std::pair<MemoPlace::Root, std::string>;
  void note(const PlaceName& name, const std::optional<store::EntryStamp>& stamp);

  std::mutex mutex_;
  bool consistent_ = true;
  std::map<PlaceName, std::optional<store::EntryStamp>> places_;
  std::map<std::string, MemoWalk> walks_;  ///< By name.
};

}  // namespace stagebox::run
