#include "images/store_dirs.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include "images/base/limits.h"
#include "runtime/base/files.h"

namespace stagebox::images {
namespace {

base::Result<base::UniqueFd> open_subdir(int dir_fd, const std::string& name) {
  TRY(base::make_dir_at(dir_fd, name, 0700));
  return base::open_beneath(dir_fd, name, O_RDONLY | O_DIRECTORY, base::Links::kRefuse);
}

}  // namespace

base::Result<StoreDirs> StoreDirs::open(int home_fd) {
  StoreDirs dirs;
  dirs.root = TRY(open_subdir(home_fd, "images"));
  dirs.layers = TRY(open_subdir(dirs.root.get(), "layers"));
  dirs.manifests = TRY(open_subdir(dirs.root.get(), "manifests"));
  dirs.configs = TRY(open_subdir(dirs.root.get(), "configs"));
  dirs.refs = TRY(open_subdir(dirs.root.get(), "refs"));
  dirs.memo = TRY(open_subdir(dirs.root.get(), "memo"));
  dirs.used = TRY(open_subdir(dirs.root.get(), "used"));
  dirs.tmp = TRY(open_subdir(dirs.root.get(), "tmp"));
  return dirs;
}

base::Result<base::UniqueFd> StoreDirs::lock() const {
  base::UniqueFd fd =
      TRY(base::open_beneath(root.get(), "lock", O_RDWR | O_CREAT, base::Links::kRefuse, 0600));
  (void)TRY(lock_fd(fd.get(), LOCK_EX));
  return fd;
}

base::Result<bool> lock_fd(int fd, int operation) {
  while (::flock(fd, operation) != 0) {
    if (errno == EWOULDBLOCK) return false;
    if (errno != EINTR) return base::errno_error("lock a part of the image store");
  }
  return true;
}

base::Result<std::vector<base::Digest>> list_digests(int dir_fd) {
  std::vector<base::Digest> digests;
  const auto names = TRY(base::list_dir(dir_fd));
  for (const std::string& name : names) {
    const auto digest = base::Digest::from_hex(name);
    if (digest.ok()) digests.push_back(*digest);
  }
  return digests;
}

base::Result<std::string> read_by_digest(int dir_fd, const base::Digest& digest) {
  auto text = base::read_file_at(dir_fd, digest.hex(), Limits{}.json_bytes);
  if (!text.ok() && text.error().errno_value == ENOENT) {
    return base::not_found("the image store has no document " + digest.oci());
  }
  if (!text.ok()) return text;
  if (base::Sha256::of(*text) != digest) {
    return base::corrupt("the document " + digest.oci() +
                         " of the image store is damaged; remove the image and import it again");
  }
  return text;
}

}  // namespace stagebox::images
