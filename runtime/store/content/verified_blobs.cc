#include "runtime/store/content/verified_blobs.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

#include "runtime/base/files.h"
#include "runtime/base/random_id.h"

namespace stagebox::store {
namespace {

using base::Digest;
using base::Result;
using base::UniqueFd;

constexpr std::int64_t kNanoseconds = 1'000'000'000;

// FNV-1a: against torn writes, not against people, who could as well write a whole entry.
std::uint64_t checksum(std::span<const std::byte> bytes, std::uint64_t seed) {
  constexpr std::uint64_t kPrime = 0x100000001B3;
  std::uint64_t hash = 0xCBF29CE484222325 ^ seed;
  for (const std::byte byte : bytes) hash = (hash ^ std::to_integer<std::uint64_t>(byte)) * kPrime;
  return hash;
}

}  // namespace

Result<std::string> boot_id() {
  constexpr std::size_t kMost = 64;
  const auto id = base::read_file("/proc/sys/kernel/random/boot_id", kMost);
  return id.ok() ? id : base::random_hex(kMost / 2);
}

Result<VerifiedBlobs> VerifiedBlobs::open(int dir_fd, std::string_view boot) {
  UniqueFd file(::openat(dir_fd, "verified", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return base::errno_error("open the store's table of verified blobs");
  TRY(make_whole(file.get()));
  return VerifiedBlobs(std::move(file), checksum(std::as_bytes(std::span(boot)), 0));
}

Result<void> VerifiedBlobs::make_whole(int fd) {
  if (::ftruncate(fd, static_cast<off_t>(kSets * sizeof(Set))) == 0) return {};
  return base::errno_error("make the store's table of verified blobs");
}

Result<void> VerifiedBlobs::forget() const {
  if (::ftruncate(file_.get(), 0) != 0)
    return base::errno_error("empty the store's table of verified blobs");
  return make_whole(file_.get());
}

VerifiedBlobs::Entry VerifiedBlobs::entry_of(const Digest& digest,
                                             const struct stat& status) const {
  Entry entry{.digest = digest.bytes(),
              .inode = status.st_ino,
              .size = static_cast<std::uint64_t>(status.st_size),
              .changed = status.st_ctim.tv_sec * kNanoseconds + status.st_ctim.tv_nsec,
              .check = 0};
  const auto bytes = std::as_bytes(std::span(&entry, 1)).first(offsetof(Entry, check));
  entry.check = checksum(bytes, status.st_mode ^ boot_);
  return entry;
}

off_t VerifiedBlobs::offset_of(const Digest& digest) {
  std::uint32_t head = 0;
  std::memcpy(&head, digest.bytes().data(), sizeof(head));
  return static_cast<off_t>(head % kSets * sizeof(Set));
}

bool VerifiedBlobs::read_set(off_t offset, Set& set) const {
  return ::pread(file_.get(), set.data(), sizeof(set), offset) == sizeof(set);
}

bool VerifiedBlobs::knows(const Digest& digest, const struct stat& status) const {
  Set set{};
  if (!read_set(offset_of(digest), set)) return false;
  const Entry wanted = entry_of(digest, status);
  return std::ranges::any_of(set, [&wanted](const Entry& entry) {
    return std::memcmp(&entry, &wanted, sizeof(Entry)) == 0;
  });
}

void VerifiedBlobs::note(const Digest& digest, const struct stat& status) const {
  Set set{};
  const off_t offset = offset_of(digest);
  if (!read_set(offset, set)) return;
  const Entry fresh = entry_of(digest, status);
  // The same file's old entry, else a free one, else one by chance.
  auto* place = std::ranges::find_if(set, [&fresh](const Entry& entry) {
    return entry.inode == fresh.inode && entry.digest == fresh.digest;
  });
  if (place == set.end()) {
    place = std::ranges::find_if(set, [](const Entry& entry) { return entry.inode == 0; });
  }
  if (place == set.end()) place = set.begin() + static_cast<std::ptrdiff_t>(fresh.check % kWays);
  const auto index = static_cast<off_t>(place - set.begin());
  const auto at = offset + index * static_cast<off_t>(sizeof(Entry));
  (void)::pwrite(file_.get(), &fresh, sizeof(fresh), at);
}

}  // namespace stagebox::store
