#include "runtime/store/mutex_locks.h"

#include "runtime/base/digest.h"

namespace stagebox::store {
namespace {

using base::Result;

// Neither a domain nor the name of a group has a line break; the project comes last.
base::Digest digest_of(const MutexScope& scope, const std::string& group) {
  return base::Sha256::of(scope.domain.text() + "\n" + group + "\n" + scope.project);
}

}  // namespace

Result<MutexLocks::Answer> MutexLocks::ask(int home_fd, const MutexScope& scope,
                                           const std::vector<std::string>& groups) {
  LockFile file = TRY(LockFile::open(home_fd, "mutexes"));
  for (const std::string& group : groups) {
    switch (file.take(digest_of(scope, group))) {
      case LockFile::Answer::kTaken:
        break;
      case LockFile::Answer::kAnothers:
        return Answer{std::nullopt, group};
      case LockFile::Answer::kImpossible:
        return base::unsupported(
            "the mutex `" + group +
            "` holds across runs, which takes locks that the file system of the state directory "
            "does not have: keep the state directory on another one");
    }
  }
  return Answer{MutexLocks(std::move(file)), ""};
}

}  // namespace stagebox::store
