#include "runtime/run/secrets/secret_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/base/files.h"
#include "sandbox/mounts/detached_mount.h"

namespace stagebox::run {
namespace {

using base::Result;
using base::UniqueFd;

constexpr std::uint64_t kPage = 4096;

Result<void> write_file(int dir, const SecretFileContent& content, uid_t uid, gid_t gid) {
  const std::string attempt = "provide the secret " + content.name;
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  const UniqueFd file(::openat(dir, content.name.c_str(), kFlags, 0400));
  if (!file) return base::errno_error(attempt);
  TRY(base::write_all(file.get(), content.value));
  if (::fchown(file.get(), uid, gid) != 0 || ::fchmod(file.get(), 0400) != 0)
    return base::errno_error(attempt);
  return {};
}

}  // namespace

Result<UniqueFd> make_secret_files(const std::vector<SecretFileContent>& files, uid_t root,
                                   uid_t uid, gid_t gid) {
  std::uint64_t bytes = kPage;
  for (const SecretFileContent& file : files)
    bytes += (file.value.size() + kPage - 1) / kPage * kPage;
  UniqueFd mount = TRY(sandbox::make_tmpfs(bytes, files.size() + 1, sandbox::Swapping::kNever));
  for (const SecretFileContent& file : files) TRY(write_file(mount.get(), file, uid, gid));
  // The mount's own descriptor is only a path.
  const UniqueFd top(::openat(mount.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!top || ::fchown(top.get(), root, root) != 0 || ::fchmod(top.get(), 0755) != 0)
    return base::errno_error("provide the directory of secrets");
  return mount;
}

}  // namespace stagebox::run
