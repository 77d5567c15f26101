#include "runtime/store/stat_cache.h"

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

/// Takes `size` bytes from the front of `in`; false when there are fewer.
bool take_raw(std::string_view& in, void* data, std::size_t size) {
  if (in.size() < size) return false;
  std::memcpy(data, in.data(), size);
  in.remove_prefix(size);
  return true;
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
  const auto bytes = base::read_file_at(dir_fd, cache.file_name_, kMaxBytes);
  if (bytes.ok()) cache.old_ = decode(*bytes);
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

std::optional<Digest> StatCache::find(const std::string& path, const struct stat& status) {
  const auto found = old_.find(path);
  if (found == old_.end() || found->second.entry != entry_of(status)) return std::nullopt;
  seen_.insert(*found);
  return found->second.digest;
}

void StatCache::note(const std::string& path, const struct stat& status, const Digest& digest) {
  const time_t newest = std::max(status.st_mtim.tv_sec, status.st_ctim.tv_sec);
  if (newest >= began_ - kRacy) return;
  seen_[path] = {entry_of(status), digest};
  changed_ = true;
}

void StatCache::save() {
  if (!changed_ && seen_.size() == old_.size()) return;
  // A failure costs the next walk time, nothing else.
  (void)base::replace_file_at(dir_fd_, file_name_, encode(seen_), 0600, base::Durable::kLater);
}

std::string StatCache::encode(const Map& map) {
  std::string out(kMagic);
  for (const auto& [path, known] : map) {
    const auto length = static_cast<std::uint32_t>(path.size());
    append_raw(out, &length, sizeof(length));
    out += path;
    append_raw(out, &known.entry, sizeof(known.entry));
    append_raw(out, known.digest.bytes().data(), Digest::kBytes);
  }
  return out + checksum(out);
}

StatCache::Map StatCache::decode(std::string_view bytes) {
  if (bytes.size() < kMagic.size() + Digest::kBytes || !bytes.starts_with(kMagic)) return {};
  const std::string_view body = bytes.substr(0, bytes.size() - Digest::kBytes);
  if (bytes.substr(body.size()) != checksum(body)) return {};
  std::string_view rest = body.substr(kMagic.size());
  Map map;
  while (!rest.empty()) {
    std::uint32_t length = 0;
    if (!take_raw(rest, &length, sizeof(length)) || rest.size() < length) return {};
    std::string path(rest.substr(0, length));
    rest.remove_prefix(length);
    Entry entry;
    std::array<std::uint8_t, Digest::kBytes> digest{};
    if (!take_raw(rest, &entry, sizeof(entry))) return {};
    if (!take_raw(rest, digest.data(), digest.size())) return {};
    map.insert_or_assign(std::move(path), Known{entry, Digest(digest)});
  }
  return map;
}

}  // namespace stagebox::store
