#include "tests/support/busybox_layer.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace stagebox::testing {
namespace fs = std::filesystem;

bool make_busybox_layer(const std::string& dir) {
  std::error_code error;
  const fs::path busybox = "/bin/busybox";
  if (!fs::exists(busybox)) return false;
  for (const char* sub : {"bin", "etc", "tmp", "usr/bin"})
    fs::create_directories(fs::path(dir) / sub, error);
  fs::copy_file(busybox, fs::path(dir) / "bin/busybox", error);
  for (const char* applet :
       {"sh",     "cat",   "echo",      "ls",     "id",    "sleep",    "true",  "false",
        "mount",  "mkdir", "rm",        "touch",  "dd",    "wc",       "grep",  "head",
        "tail",   "tr",    "sort",      "test",   "env",   "hostname", "nc",    "ps",
        "kill",   "ln",    "cp",        "mv",     "stat",  "chmod",    "chown", "find",
        "sed",    "ip",    "readlink",  "printf", "yes",   "mknod",    "nproc", "unshare",
        "chroot", "pwd",   "df",        "seq",    "awk",   "date",     "cut",   "setsid",
        "nohup",  "od",    "sha256sum", "mkfifo", "uname", "wget"}) {
    fs::create_symlink("busybox", fs::path(dir) / "bin" / applet, error);
  }
  std::ofstream(fs::path(dir) / "etc/passwd")
      << "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/:/bin/sh\n";
  std::ofstream(fs::path(dir) / "etc/group") << "root:x:0:\nuser:x:1000:\n";
  return ::chmod(dir.c_str(), 0755) == 0;
}

}  // namespace stagebox::testing
