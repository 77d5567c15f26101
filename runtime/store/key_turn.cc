#include "runtime/store/key_turn.h"

namespace stagebox::store {

using base::Result;

Result<KeyTurn::Answer> KeyTurn::ask(int home_fd, const base::Digest& key) {
  LockFile file = TRY(LockFile::open(home_fd, "turns"));
  Answer answer;
  const LockFile::Answer lock = file.take(key);
  answer.is_anothers = lock == LockFile::Answer::kAnothers;
  if (lock == LockFile::Answer::kTaken) answer.turn = KeyTurn(std::move(file));
  return answer;
}

}  // namespace stagebox::store
