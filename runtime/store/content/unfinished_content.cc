#include "runtime/store/content/unfinished_content.h"

#include <fcntl.h>
#include <stdio.h>

#include <chrono>
#include <optional>
#include <thread>

#include "runtime/base/files.h"
#include "runtime/base/random_id.h"
#include "runtime/store/content/tree_materializer.h"

namespace stagebox::store {
namespace {

using base::Result;
using base::UniqueFd;

// Whoever starts does not wait longer for those who store something.
constexpr int kTries = 20;
constexpr std::chrono::milliseconds kBetweenTries{10};

Result<std::optional<UniqueFd>> lock_soon(const BlobFiles& files) {
  for (int i = 0;; ++i) {
    auto lock = TRY(files.try_lock_alone());
    if (lock || i + 1 == kTries) return lock;
    std::this_thread::sleep_for(kBetweenTries);
  }
}

}  // namespace

Result<void> condemn(int dir_fd, const std::string& name) {
  const std::string id = TRY(base::random_hex(16));
  const std::string target = std::string(kCondemnedPrefix) + id;
  if (::renameat(dir_fd, name.c_str(), dir_fd, target.c_str()) != 0)
    return base::errno_error("move \"" + name + "\" out of the store");
  return {};
}

Result<std::uint64_t> condemn_unfinished(const BlobFiles& files) {
  std::uint64_t count = 0;
  for (const std::string& name : TRY(base::list_dir(files.tmp()))) {
    if (name.starts_with(kCondemnedPrefix)) continue;
    TRY(condemn(files.tmp(), name));
    ++count;
  }
  for (const std::string& name : TRY(base::list_dir(files.trees()))) {
    if (!name.starts_with(kUnfinishedPrefix)) continue;
    TRY(condemn(files.trees(), name));
    ++count;
  }
  return count;
}

Result<void> remove_condemned(const BlobFiles& files) {
  for (const int dir_fd : {files.tmp(), files.trees()}) {
    for (const std::string& name : TRY(base::list_dir(dir_fd))) {
      if (name.starts_with(kCondemnedPrefix)) TRY(base::remove_tree_at(dir_fd, name));
    }
  }
  return {};
}

Result<void> remove_unfinished(const BlobFiles& files) {
  {
    const auto lock = TRY(lock_soon(files));
    if (!lock) return {};
    TRY(condemn_unfinished(files));
  }
  return remove_condemned(files);
}

}  // namespace stagebox::store
