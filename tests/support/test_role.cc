#include "tests/support/test_role.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "runtime/base/files.h"
#include "tests/support/delegated_cgroups.h"
#include "tests/support/temp_dir.h"

namespace stagebox::testing {
namespace {

using base::Result;

constexpr uid_t kUid = 64738;
constexpr char kName[] = "stagebox-test";
// Far from every range that a machine would give away.
constexpr char kSubordinate[] = ":1700000000:65536\n";

// The account file as it is, with one more line; only this process sees it.
Result<void> extend_file(const TempDir& dir, const std::string& name, const std::string& line) {
  constexpr std::size_t kMax = std::size_t{1} << 20;
  const auto old = base::read_file("/etc/" + name, kMax);
  TRY(base::replace_file_at(dir.fd(), name, (old.ok() ? *old : std::string()) + line, 0644));
  if (!old.ok()) {
    return base::unsupported("no /etc/" + name + " to mount over; install the package uidmap");
  }
  const std::string copy = dir.path(name);
  if (::mount(copy.c_str(), ("/etc/" + name).c_str(), nullptr, MS_BIND, nullptr) != 0)
    return base::errno_error("bind /etc/" + name);
  return {};
}

Result<void> add_account() {
  if (::unshare(CLONE_NEWNS) != 0) return base::errno_error("unshare the mount namespace");
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return base::errno_error("make mounts private");
  const TempDir dir;
  const std::string ids = std::to_string(kUid) + ":" + std::to_string(kUid);
  TRY(extend_file(dir, "passwd", std::string(kName) + ":x:" + ids + "::/:/bin/sh\n"));
  TRY(extend_file(dir, "subuid", kName + std::string(kSubordinate)));
  return extend_file(dir, "subgid", kName + std::string(kSubordinate));
}

Result<void> become_user() {
  if (::setgroups(0, nullptr) != 0 || ::setresgid(kUid, kUid, kUid) != 0 ||
      ::setresuid(kUid, kUid, kUid) != 0) {
    return base::errno_error("become an ordinary user");
  }
  // As after a login: /proc/self belongs to the user, which newuidmap(1) looks at.
  if (::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0) return base::errno_error("become dumpable");
  return {};
}

}  // namespace

Result<void> assume_test_role() {
  const char* variable = std::getenv("STAGEBOX_TEST_AS");
  const std::string_view role = variable == nullptr ? "" : variable;
  if (role.empty()) return {};
  if (::geteuid() != 0) return base::unsupported("STAGEBOX_TEST_AS needs root");
  if (role == "root") return continue_in_delegated_cgroups(0);
  if (role != "undelegated") TRY(continue_in_delegated_cgroups(kUid));
  if (role != "single") TRY(add_account());
  return become_user();
}

}  // namespace stagebox::testing
