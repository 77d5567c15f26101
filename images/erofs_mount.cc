#include "images/erofs_mount.h"

#include <fcntl.h>
#include <sys/xattr.h>

#include <array>
#include <cstring>
#include <string>

#include "images/layer/erofs_writer.h"
#include "images/stream/spool.h"
#include "runtime/base/files.h"
#include "runtime/base/syscalls.h"

namespace stagebox::images {
namespace {

using base::UniqueFd;
namespace sys = base::sys;

base::Result<void> set(int fs, const char* key, const std::string& value) {
  const int result = sys::fsconfig(fs, FSCONFIG_SET_STRING, key, value.c_str(), 0);
  if (result < 0) return base::system_error("set up an EROFS mount", -result);
  return {};
}

// The file that we have open and no other, whatever has happened to its name.
std::string path_of_open(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

constexpr std::string_view kContent = "content";
constexpr const char* kProbeXattr = "user.probe";

// One file with an attribute, whose content is the second block of the archive.
LayerIndex probe_index() {
  LayerIndex index;
  index.nodes.resize(2);
  IndexNode& file = index.nodes[1];
  file.type = IndexNode::Type::kFile;
  file.name = "file";
  file.size = kContent.size();
  file.extents = {{0, kArchiveBlock, kContent.size()}};
  file.attributes.uid = 7;
  file.attributes.xattrs = {{kProbeXattr, "1"}};
  return index;
}

base::Result<void> check_probe(int root_fd) {
  const UniqueFd clone(sys::open_tree(root_fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE));
  if (!clone) return base::system_error("clone a mount without a place", -clone.get());
  const UniqueFd file =
      TRY(base::open_beneath(clone.get(), "file", O_RDONLY, base::Links::kRefuse));
  const std::string content = TRY(base::read_all(file.get(), kArchiveBlock));
  const struct stat status = TRY(base::stat_fd(file.get()));
  char value = 0;
  const bool is_right = content == kContent && status.st_uid == 7 &&
                        ::fgetxattr(file.get(), kProbeXattr, &value, 1) == 1 && value == '1';
  return is_right ? base::Result<void>() : base::unsupported("it does not show what is in it");
}

base::Result<void> try_mount(int dir_fd) {
  std::string archive(2 * kArchiveBlock, '\0');
  archive.replace(kArchiveBlock, kContent.size(), kContent);
  const UniqueFd archive_file = TRY(unnamed_file(dir_fd));
  TRY(base::write_all(archive_file.get(), archive));
  const UniqueFd index_file = TRY(unnamed_file(dir_fd));
  const auto image = write_erofs(probe_index(), archive.size());
  TRY(base::write_all(index_file.get(), image));
  const UniqueFd root = TRY(mount_erofs(index_file.get(), archive_file.get()));
  return check_probe(root.get());
}

}  // namespace

base::Result<UniqueFd> mount_erofs(int index_fd, int archive_fd) {
  const UniqueFd fs(sys::fsopen("erofs"));
  if (!fs) return base::system_error("open an EROFS mount", -fs.get());
  TRY(set(fs.get(), "source", path_of_open(index_fd)));
  TRY(set(fs.get(), "device", path_of_open(archive_fd)));
  const int flag = sys::fsconfig(fs.get(), FSCONFIG_SET_FLAG, "ro", nullptr, 0);
  if (flag < 0) return base::system_error("set up an EROFS mount", -flag);
  const int created = sys::fsconfig(fs.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0);
  if (created < 0) return base::system_error("mount a layer as EROFS", -created);
  UniqueFd root(sys::fsmount(fs.get(), MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV));
  if (!root) return base::system_error("mount a layer as EROFS", -root.get());
  return root;
}

base::Result<void> probe_erofs(int dir_fd) {
  const auto done = try_mount(dir_fd);
  if (done.ok()) return {};
  return base::unsupported("layers cannot be EROFS images here: " + done.error().message);
}

}  // namespace stagebox::images
