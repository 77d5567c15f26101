#include "runtime/store/action_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <ctime>
#include <string>
#include <string_view>
#include <utility>

#include "runtime/base/files.h"
#include "runtime/store/private_dir.h"

namespace stagebox::store {
namespace {

using base::Result;
using base::UniqueFd;

constexpr std::size_t kMaxEntry = std::size_t{64} << 20U;
/// Nobody takes this long to write one entry.
constexpr time_t kAbandonedAfter = 3600;  // seconds

// An entry is its checksum in hexadecimal and the encoded result: it is a small file without a
// content address, so a torn or edited one would otherwise be believed.
std::string seal(std::string_view encoded) {
  return base::Sha256::of(encoded).hex() + std::string(encoded);
}

std::optional<std::string_view> unseal(std::string_view sealed) {
  if (sealed.size() < Digest::kHexChars) return std::nullopt;
  const std::string_view encoded = sealed.substr(Digest::kHexChars);
  if (base::Sha256::of(encoded).hex() != sealed.substr(0, Digest::kHexChars)) return std::nullopt;
  return encoded;
}

}  // namespace

Result<ActionCache> ActionCache::open(int home_fd) {
  UniqueFd dir = TRY(open_private_dir(home_fd, "ac"));
  return ActionCache(std::move(dir));
}

std::optional<StageResult> ActionCache::read(const Digest& action) const {
  const auto sealed = base::read_file_at(dir_.get(), action.hex(), kMaxEntry);
  if (!sealed.ok()) return std::nullopt;
  const auto encoded = unseal(*sealed);
  if (!encoded) return std::nullopt;
  auto result = StageResult::decode(*encoded);
  return result.ok() ? std::optional(std::move(*result)) : std::nullopt;
}

Result<Lookup> ActionCache::lookup(const Digest& action, const ContentStore& content) const {
  const std::string name = action.hex();
  if (::faccessat(dir_.get(), name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return Lookup{};
    return base::errno_error("look for the cached result " + name);
  }
  std::optional<StageResult> result = read(action);
  if (!result) {
    TRY(remove(action));
    return Lookup{RecordState::kDamaged};
  }
  for (const StoredOutput& output : result->outputs) {
    const auto checked = content.check_output(output);
    if (checked.ok()) continue;
    return Lookup{RecordState::kOutputsMissing, {}, output.name + ": " + checked.error().message};
  }
  // The modification time is the time of last use; without it the entry only looks older.
  (void)::utimensat(dir_.get(), name.c_str(), nullptr, AT_SYMLINK_NOFOLLOW);
  return Lookup{RecordState::kWhole, std::move(*result)};
}

Result<void> ActionCache::store(const Digest& action, const StageResult& result) const {
  const std::string encoded = TRY(result.encode());
  const std::lock_guard guard(*writing_);
  return base::replace_file_at(dir_.get(), action.hex(), seal(encoded), 0600);
}

Result<void> ActionCache::remove(const Digest& action) const {
  const std::string name = action.hex();
  if (::unlinkat(dir_.get(), name.c_str(), 0) == 0 || errno == ENOENT) return {};
  return base::errno_error("remove the cached result " + name);
}

Result<std::vector<ActionCache::Entry>> ActionCache::list() const {
  std::vector<Entry> entries;
  const std::vector<std::string> names = TRY(base::list_dir(dir_.get()));
  for (const std::string& name : names) {
    const auto status = base::stat_at(dir_.get(), name);
    if (!status.ok()) continue;  // removed meanwhile
    const auto action = Digest::from_hex(name);
    if (!action.ok()) {
      const bool abandoned = ::time(nullptr) - status->st_mtim.tv_sec > kAbandonedAfter;
      if (abandoned) (void)::unlinkat(dir_.get(), name.c_str(), 0);
      continue;
    }
    auto result = read(*action);
    if (!result) continue;
    entries.push_back({*action, std::chrono::system_clock::from_time_t(status->st_mtim.tv_sec),
                       std::move(*result)});
  }
  return entries;
}

}  // namespace stagebox::store
