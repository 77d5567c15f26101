#include "runtime/run/memo/memo_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <ctime>

#include "runtime/base/files.h"
#include "runtime/run/memo/memo_check.h"

namespace stagebox::run {
namespace {

using base::Result;
using base::UniqueFd;

constexpr const char* kMemos = "memos";
/// A memo of the largest trees that can be stored has some hundred bytes for each entry.
constexpr std::size_t kMaxMemo = std::size_t{512} << 20U;

std::string file_of(const std::string& question) { return base::Sha256::of(question).hex(); }

}  // namespace

std::optional<RunMemo> load_memo(int home_fd, const std::string& question) {
  const UniqueFd memos(::openat(home_fd, kMemos, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!memos) return std::nullopt;
  const auto bytes = base::read_file_at(memos.get(), file_of(question), kMaxMemo);
  if (!bytes.ok()) return std::nullopt;
  auto memo = decode_memo(*bytes);
  if (memo && memo->question != question) memo.reset();
  return memo;
}

Result<void> save_memo(const store::Home& home, const RunMemo& memo) {
  const UniqueFd memos = TRY(home.subdirectory(kMemos));
  const std::string bytes = encode_memo(memo);
  if (bytes.size() > kMaxMemo) return {};
  return base::replace_file_at(memos.get(), file_of(memo.question), bytes, 0600,
                               base::Durable::kLater);
}

Result<void> remove_old_memos(const store::Home& home) {
  const UniqueFd memos = TRY(home.subdirectory(kMemos));
  const auto names = TRY(base::list_dir(memos.get()));
  for (const std::string& name : names) {
    const auto status = base::stat_at(memos.get(), name);
    if (!status.ok()) continue;
    const std::int64_t age = ::time(nullptr) - status->st_mtim.tv_sec;
    constexpr std::int64_t kOld = kLongestMemo / 1'000'000'000;
    // Also one of a time to come, which is no better.
    if (age > kOld || age < -kOld) (void)::unlinkat(memos.get(), name.c_str(), 0);
  }
  return {};
}

}  // namespace stagebox::run
