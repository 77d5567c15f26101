// EntryFilter: which entries of a directory that is being walked become part of the tree, by the
// patterns of its options and the .gitignore files on the way. Internal to the store; it reads no
// files.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/path_patterns.h"
#include "runtime/store/content/tree_options.h"

namespace stagebox::store {

/// For one walk: enter() and leave() follow it down and up. `options` outlives it.
class EntryFilter {
 public:
  explicit EntryFilter(const TreeOptions& options) : options_(options) {}

  enum class Verdict {
    kSkip,
    kTake,   ///< A directory: with everything in it.
    kEnter,  ///< A directory that is taken only if something in it is.
  };
  /// `path` is from the root of the walk; the entry is in the directory that was entered last.
  [[nodiscard]] Verdict judge(std::string_view path, base::EntryType type) const;

  /// Into a directory whose verdict was kTake or kEnter (the root: kEnter). `ignore_file` is the
  /// text of its .gitignore, empty without.
  void enter(std::string_view path, Verdict verdict, std::string_view ignore_file);
  void leave() { levels_.pop_back(); }

 private:
  struct Level {
    std::size_t prefix = 0;  ///< of paths in it: what its own ignore patterns do not see
    bool takes_all = false;
    base::PathPatterns ignored;
  };
  [[nodiscard]] bool is_excluded(std::string_view path, base::EntryType type) const;
  [[nodiscard]] bool is_ignored(std::string_view path, base::EntryType type) const;

  const TreeOptions& options_;
  std::vector<Level> levels_;
};

}  // namespace stagebox::store
