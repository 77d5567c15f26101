#include "runtime/store/content/stat_cache.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <utility>

#include "runtime/base/files.h"

namespace stagebox::store {
namespace {

// Layout: magic, entries, SHA-256 of everything before. An entry: path length (u32), path, the
// Entry struct, 32 bytes of digest. In the machine's byte order: the file never leaves it.
constexpr std::string_view kMagic = "stagebox stat cache 1\n";
constexpr std::size_t kMaxBytes = std::size_t{1} << 30U;

void append_raw(std::string& out, const void* data, std::size_t size) {
  out.append(static_cast<const char*>(data), size);
}

/// The first `size` bytes of `in`, which it then has no more; nullopt when there are fewer.
std::optional<std::string_view> take(std::string_view& in, std::size_t size) {
  if (in.size() < size) return std::nullopt;
  const std::string_view taken = in.substr(0, size);
  in.remove_prefix(size);
  return taken;
}

std::string checksum(std::string_view bytes) {
  const Digest digest = base::Sha256::of(bytes);
  return {reinterpret_cast<const char*>(digest.bytes().data()), Digest::kBytes};
}

}  // namespace

StatCache StatCache::load(int dir_fd, std::string_view root_key) {
  StatCache cache;
  cache.dir_fd_ = dir_fd;
  cache.file_name_ = base::Sha256::of(root_key).hex();
  cache.began_ = ::time(nullptr);
  auto bytes = base::read_file_at(dir_fd, cache.file_name_, kMaxBytes);
  if (!bytes.ok()) return cache;
  cache.bytes_ = std::make_unique<const std::string>(std::move(*bytes));
  if (!cache.decode()) cache.old_.clear();
  return cache;
}

StatCache::Entry StatCache::entry_of(const struct stat& status) {
  return {.device = status.st_dev,
          .inode = status.st_ino,
          .size = static_cast<std::uint64_t>(status.st_size),
          .mode = status.st_mode,
          .mtime_sec = status.st_mtim.tv_sec,
          .mtime_nsec = status.st_mtim.tv_nsec,
          .ctime_sec = status.st_ctim.tv_sec,
          .ctime_nsec = status.st_ctim.tv_nsec};
}

std::optional<std::uint32_t> StatCache::find_old(std::string_view path) {
  if (next_ < old_.size() && old_[next_].path == path) return next_;
  if (by_path_.empty()) {
    by_path_.reserve(old_.size());
    for (std::uint32_t i = 0; i < old_.size(); ++i) by_path_.insert_or_assign(old_[i].path, i);
  }
  const auto found = by_path_.find(path);
  return found == by_path_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<Digest> StatCache::find(const std::string& path, const struct stat& status) {
  const auto found = find_old(path);
  if (found) {
    next_ = *found + 1;
    const Entry entry = entry_of(status);
    const std::string_view known = old_[*found].rest;
    if (std::memcmp(known.data(), &entry, sizeof(entry)) == 0) {
      seen_.push_back({.index = *found});
      std::array<std::uint8_t, Digest::kBytes> digest{};
      std::memcpy(digest.data(), known.data() + sizeof(entry), digest.size());
      return Digest(digest);
    }
  }
  seen_.push_back({.is_fresh = true, .index = static_cast<std::uint32_t>(fresh_.size())});
  fresh_.push_back({path, {}, {}});
  return std::nullopt;
}

std::string_view StatCache::path_of(const Seen& seen) const {
  return seen.is_fresh ? fresh_[seen.index].path : old_[seen.index].path;
}

void StatCache::note(const std::string& path, const struct stat& status, const Digest& digest) {
  const time_t newest = std::max(status.st_mtim.tv_sec, status.st_ctim.tv_sec);
  if (newest >= began_ - kRacy) return;
  const auto is_it = [&](const Seen& seen) { return path_of(seen) == path; };
  auto place =
      std::find_if(seen_.begin() + static_cast<std::ptrdiff_t>(noted_), seen_.end(), is_it);
  if (place == seen_.end()) place = seen_.insert(place, Seen{});
  if (!place->is_fresh) {
    *place = {.is_fresh = true, .index = static_cast<std::uint32_t>(fresh_.size())};
    fresh_.emplace_back();
  }
  fresh_[place->index] = {path, entry_of(status), digest};
  noted_ = static_cast<std::size_t>(place - seen_.begin()) + 1;
  changed_ = true;
}

void StatCache::save() {
  // What was come to and is known.
  std::erase_if(seen_, [this](const Seen& seen) {
    return seen.is_fresh && fresh_[seen.index].digest.is_zero();
  });
  if (!changed_ && seen_.size() == old_.size()) return;
  // A failure costs the next walk time, nothing else.
  (void)base::replace_file_at(dir_fd_, file_name_, encode(), 0600, base::Durable::kLater);
}

std::string StatCache::encode() const {
  std::string out(kMagic);
  for (const Seen& seen : seen_) {
    const std::string_view path = path_of(seen);
    const auto length = static_cast<std::uint32_t>(path.size());
    append_raw(out, &length, sizeof(length));
    out += path;
    if (!seen.is_fresh) {
      out += old_[seen.index].rest;
      continue;
    }
    const Fresh& fresh = fresh_[seen.index];
    append_raw(out, &fresh.entry, sizeof(fresh.entry));
    append_raw(out, fresh.digest.bytes().data(), Digest::kBytes);
  }
  return out + checksum(out);
}

bool StatCache::decode() {
  const std::string_view bytes = *bytes_;
  if (bytes.size() < kMagic.size() + Digest::kBytes || !bytes.starts_with(kMagic)) return false;
  const std::string_view body = bytes.substr(0, bytes.size() - Digest::kBytes);
  if (bytes.substr(body.size()) != checksum(body)) return false;
  std::string_view rest = body.substr(kMagic.size());
  while (!rest.empty()) {
    std::uint32_t length = 0;
    const auto raw = take(rest, sizeof(length));
    if (!raw) return false;
    std::memcpy(&length, raw->data(), sizeof(length));
    const auto path = take(rest, length);
    const auto known = take(rest, sizeof(Entry) + Digest::kBytes);
    if (!path || !known) return false;
    old_.push_back({*path, *known});
  }
  return true;
}

}  // namespace stagebox::store
