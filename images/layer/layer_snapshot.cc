#include "images/layer/layer_snapshot.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <map>
#include <memory>
#include <utility>

#include "images/base/text.h"
#include "images/layer/layer_record.h"
#include "images/layer/parent_view.h"
#include "images/stream/compression.h"
#include "images/stream/file_range.h"
#include "images/stream/zstd_writer.h"
#include "runtime/base/files.h"

namespace stagebox::images {
namespace {

constexpr std::size_t kXattrListBytes = 64UL << 10U;  // XATTR_LIST_MAX
constexpr std::size_t kLargestXattr = 64UL << 10U;    // XATTR_SIZE_MAX
constexpr std::size_t kLineBytes = 16UL << 20U;       // a name, a target, 64 attributes in hex

char type_of(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return 'f';
    case S_IFDIR:
      return 'd';
    case S_IFLNK:
      return 'l';
    case S_IFIFO:
      return 'p';
    case S_IFCHR:
      return 'c';
    case S_IFBLK:
      return 'b';
    default:
      return 's';
  }
}

// Labels are put on files by the host's security modules, at any time.
bool is_host_label(std::string_view name) {
  return name == "security.selinux" || name == "security.ima" || name == "security.evm";
}

base::Result<std::uint64_t> checksum(int fd) {
  std::vector<std::byte> buffer(RangeStream::kPieceBytes);
  std::uint64_t crc = 0;
  for (;;) {
    const ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return base::errno_error("read it");
    if (count == 0) return crc;
    crc = crc64(std::span(buffer).first(static_cast<std::size_t>(count)), crc);
  }
}

class Walker {
 public:
  Walker(const SnapshotWants& wants, const std::function<base::Result<void>(SnapshotEntry)>& take)
      : wants_(wants), take_(take), list_(kXattrListBytes, '\0') {}

  base::Result<void> directory(int fd, const std::string& path) {
    const auto names = TRY(base::list_dir(fd));
    for (const std::string& name : names) {
      auto done = entry(fd, name, join_path(path, name));
      if (!done.ok()) return done.error().with_context(quote(join_path(path, name)));
    }
    return {};
  }

  base::Result<void> root(int fd) {
    const struct stat status = TRY(base::stat_fd(fd));
    SnapshotEntry root = entry_of(status, "");
    TRY(read_xattrs(fd, root));
    TRY(take_(std::move(root)));
    return directory(fd, "");
  }

 private:
  base::Result<void> entry(int dir_fd, const std::string& name, const std::string& path) {
    const struct stat status = TRY(base::stat_at(dir_fd, name));
    SnapshotEntry entry = entry_of(status, path);
    if (S_ISLNK(status.st_mode)) entry.link = TRY(target(dir_fd, name));
    if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)) {
      entry.link =
          std::to_string(::major(status.st_rdev)) + ":" + std::to_string(::minor(status.st_rdev));
    }
    if (!is_opened(status, path)) return take_(std::move(entry));
    const base::UniqueFd fd(
        ::openat(dir_fd, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    // An ordinary user cannot read a file of mode 000, and then its attributes are nobody's.
    if (!fd && errno == EACCES) return take_(std::move(entry));
    if (!fd) return base::errno_error("open it");
    TRY(read_xattrs(fd.get(), entry));
    if (S_ISREG(status.st_mode) && wants_.checksum(path)) entry.crc = TRY(checksum(fd.get()));
    TRY(take_(std::move(entry)));
    return S_ISDIR(status.st_mode) ? directory(fd.get(), path) : base::Result<void>();
  }

  [[nodiscard]] bool is_opened(const struct stat& status, const std::string& path) const {
    if (S_ISDIR(status.st_mode)) return true;
    return S_ISREG(status.st_mode) &&
           (status.st_nlink > 1 || wants_.xattrs(path) || wants_.checksum(path));
  }

  SnapshotEntry entry_of(const struct stat& status, const std::string& path) {
    SnapshotEntry entry;
    entry.path = path;
    entry.type = type_of(status.st_mode);
    entry.mode = status.st_mode & 07777U;
    entry.uid = status.st_uid;
    entry.gid = status.st_gid;
    entry.mtime_seconds = status.st_mtim.tv_sec;
    entry.mtime_nanoseconds = static_cast<std::uint32_t>(status.st_mtim.tv_nsec);
    if (S_ISREG(status.st_mode)) entry.size = static_cast<std::uint64_t>(status.st_size);
    if (!S_ISDIR(status.st_mode) && status.st_nlink > 1) {
      const auto [first, is_new] = names_.try_emplace({status.st_dev, status.st_ino}, path);
      if (!is_new) entry.same_as = first->second;
    }
    return entry;
  }

  static base::Result<std::string> target(int dir_fd, const std::string& name) {
    std::array<char, PATH_MAX> text{};
    const ssize_t size = ::readlinkat(dir_fd, name.c_str(), text.data(), text.size());
    if (size < 0) return base::errno_error("read the link");
    return std::string(text.data(), static_cast<std::size_t>(size));
  }

  base::Result<void> read_xattrs(int fd, SnapshotEntry& entry) {
    const ssize_t size = ::flistxattr(fd, list_.data(), list_.size());
    if (size < 0 && errno == EOPNOTSUPP) return {};
    if (size < 0) return base::errno_error("list its attributes");
    for (std::size_t start = 0; start < static_cast<std::size_t>(size);) {
      const std::string name = list_.c_str() + start;
      start += name.size() + 1;
      if (is_host_label(name)) continue;
      std::string value(kLargestXattr, '\0');
      const ssize_t length = ::fgetxattr(fd, name.c_str(), value.data(), value.size());
      if (length < 0) return base::errno_error("read its attribute " + quote(name));
      value.resize(static_cast<std::size_t>(length));
      entry.xattrs[name] = std::move(value);
    }
    return {};
  }

  const SnapshotWants& wants_;
  const std::function<base::Result<void>(SnapshotEntry)>& take_;
  std::string list_;
  std::map<std::pair<dev_t, ino_t>, std::string> names_;  ///< Of files with several, the first.
};

base::Result<base::UniqueFd> create_file(int dir_fd, const std::string& name) {
  return base::open_beneath(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL, base::Links::kRefuse, 0600);
}

// Splits what the stream has at the ends of lines.
base::Result<void> for_each_line(
    ByteStream& stream, const std::function<base::Result<void>(std::string_view line)>& take) {
  std::string rest;
  for (;;) {
    const auto piece = TRY(stream.next());
    if (piece.empty()) break;
    rest.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    std::size_t start = 0;
    for (std::size_t end = rest.find('\n'); end != std::string::npos;
         end = rest.find('\n', start)) {
      TRY(take(std::string_view(rest).substr(start, end - start)));
      start = end + 1;
    }
    rest.erase(0, start);
    if (rest.size() > kLineBytes) break;
  }
  if (!rest.empty()) return base::corrupt("the layer's snapshot is damaged");
  return {};
}

}  // namespace

base::Result<void> walk_snapshot(int root_fd, const SnapshotWants& wants,
                                 const std::function<base::Result<void>(SnapshotEntry)>& take) {
  return Walker(wants, take).root(root_fd);
}

base::Result<void> write_snapshot(int dir_fd, const std::string& name, int root_fd,
                                  const SnapshotWants& wants) {
  const base::UniqueFd file = TRY(create_file(dir_fd, name));
  ZstdWriter writer(file.get());
  TRY(walk_snapshot(root_fd, wants, [&writer](const SnapshotEntry& entry) {
    return writer.append(encode_entry(entry) + "\n");
  }));
  return writer.finish();
}

base::Result<std::vector<SnapshotEntry>> read_snapshot(int dir_fd, const std::string& name) {
  auto file = base::open_beneath(dir_fd, name, O_RDONLY, base::Links::kRefuse);
  if (!file.ok() && file.error().errno_value == ENOENT) {
    return base::not_found("the layer has no snapshot");
  }
  if (!file.ok()) return file.error();
  const struct stat status = TRY(base::stat_fd(file->get()));
  RangeStream stored({std::make_shared<const base::UniqueFd>(std::move(*file)), 0,
                      static_cast<std::uint64_t>(status.st_size)});
  const auto text = make_zstd_stream(stored);
  std::vector<SnapshotEntry> entries;
  const auto read = for_each_line(*text, [&entries](std::string_view line) -> base::Result<void> {
    entries.push_back(TRY(decode_entry(line)));
    return {};
  });
  if (!read.ok()) return base::corrupt("the layer's snapshot is damaged");
  return entries;
}

}  // namespace stagebox::images
