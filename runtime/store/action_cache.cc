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
#include "runtime/store/content/blob_files.h"
#include "runtime/store/content/private_dir.h"

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

// What of its outputs is not there, or not as it was stored; empty: all is.
std::string find_missing(const StageResult& result, const ContentStore& content) {
  for (const StoredOutput& output : result.outputs) {
    const auto checked = content.check_output(output);
    if (!checked.ok()) return output.name + ": " + checked.error().message;
  }
  return "";
}

}  // namespace

Result<ActionCache> ActionCache::open(int home_fd) {
  UniqueFd dir = TRY(open_private_dir(home_fd, "ac"));
  return ActionCache(std::move(dir));
}

std::optional<StageResult> ActionCache::read(int fd, const struct stat& status) {
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size > kMaxEntry) return std::nullopt;
  std::string sealed(size, '\0');
  // Entries are never written to again, only replaced: one read has all of it, or it is damaged.
  if (::read(fd, sealed.data(), size) != static_cast<ssize_t>(size)) return std::nullopt;
  const auto encoded = unseal(sealed);
  if (!encoded) return std::nullopt;
  auto result = StageResult::decode(*encoded);
  return result.ok() ? std::optional(std::move(*result)) : std::nullopt;
}

UniqueFd ActionCache::open_entry(const std::string& name) const {
  return UniqueFd(
      ::openat(dir_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
}

Result<Lookup> ActionCache::lookup(const Digest& action, const ContentStore& content) const {
  const auto known = noted(action);
  if (!known) return lookup_file(action, content);
  std::string problem = find_missing(*known, content);
  if (!problem.empty()) return Lookup{RecordState::kOutputsMissing, {}, std::move(problem)};
  return Lookup{RecordState::kWhole, *known};
}

Result<Lookup> ActionCache::lookup_file(const Digest& action, const ContentStore& content) const {
  const std::string name = action.hex();
  const UniqueFd fd = open_entry(name);
  if (!fd && errno == ENOENT) return Lookup{};
  if (!fd && errno != ELOOP) return base::errno_error("look for the cached result " + name);
  struct stat status{};
  std::optional<StageResult> result;
  if (fd && ::fstat(fd.get(), &status) == 0) result = read(fd.get(), status);
  if (!result) {
    TRY(remove(action));
    return Lookup{RecordState::kDamaged};
  }
  std::string problem = find_missing(*result, content);
  if (!problem.empty()) return Lookup{RecordState::kOutputsMissing, {}, std::move(problem)};
  Lookup whole{RecordState::kWhole, std::move(*result)};
  if (!mark_used(fd.get(), status)) whole.stamp = EntryStamp::of(status);
  return whole;
}

// The modification time is the time of last use. Each mark writes an inode, so one within
// kUseResolution is enough; without it the entry only looks older.
bool ActionCache::mark_used(int fd, const struct stat& status) {
  const time_t now = ::time(nullptr);
  const bool lately = status.st_mtim.tv_sec <= now && now - status.st_mtim.tv_sec < kUseResolution;
  if (!lately) (void)::futimens(fd, nullptr);
  return !lately;
}

Result<void> ActionCache::store(const Digest& action, const StageResult& result) const {
  const std::string encoded = TRY(result.encode());
  const std::lock_guard guard(*writing_);
  TRY(base::replace_file_at(dir_.get(), action.hex(), seal(encoded), 0600, syncs_));
  if (syncs_ == base::Durable::kLater) {
    unsynced_->add(".");
    unsynced_->add(action.hex());
  }
  return {};
}

void ActionCache::note(const Digest& action, StageResult result) const {
  auto noted = std::make_shared<const StageResult>(std::move(result));
  const std::lock_guard guard(noted_->mutex);
  noted_->results.insert_or_assign(action, std::move(noted));
}

std::shared_ptr<const StageResult> ActionCache::noted(const Digest& action) const {
  const std::lock_guard guard(noted_->mutex);
  const auto found = noted_->results.find(action);
  return found == noted_->results.end() ? nullptr : found->second;
}

Result<void> ActionCache::write_noted() const {
  std::map<Digest, std::shared_ptr<const StageResult>> unwritten;
  {
    const std::lock_guard guard(noted_->mutex);
    unwritten = noted_->results;
  }
  Result<void> written;
  for (const auto& [action, result] : unwritten) {
    auto stored = store(action, *result);
    if (!stored.ok()) {
      if (written.ok()) written = std::move(stored);
      continue;
    }
    // Not before there is a file: somebody may be looking for it.
    const std::lock_guard guard(noted_->mutex);
    const auto found = noted_->results.find(action);
    if (found != noted_->results.end() && found->second == result) noted_->results.erase(found);
  }
  return written;
}

Result<void> ActionCache::remove(const Digest& action) const {
  {
    const std::lock_guard guard(noted_->mutex);
    noted_->results.erase(action);
  }
  const std::string name = action.hex();
  if (::unlinkat(dir_.get(), name.c_str(), 0) == 0 || errno == ENOENT) return {};
  return base::errno_error("remove the cached result " + name);
}

Result<bool> ActionCache::remove_unused(const Entry& entry) const {
  const auto status = base::stat_at(dir_.get(), entry.action.hex());
  if (!status.ok() || EntryStamp::of(*status) != entry.stamp) return false;
  TRY(remove(entry.action));
  return true;
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
    const UniqueFd fd = open_entry(name);
    struct stat opened{};
    if (!fd || ::fstat(fd.get(), &opened) != 0) continue;
    auto result = read(fd.get(), opened);
    if (!result) continue;
    entries.push_back({*action, std::chrono::system_clock::from_time_t(opened.st_mtim.tv_sec),
                       std::move(*result), EntryStamp::of(opened)});
  }
  return entries;
}

}  // namespace stagebox::store
