// What a sandbox sees as its file system, besides the image's layers. As values. Paths are in the
// root and have no leading slash. Descriptors are referred to by position in SandboxResources.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace stagebox::sandbox {

struct InputMount {
  enum class Mode {
    kReadOnly,
    kOverlay,  ///< A private copy-on-write view; directories only.
  };
  enum class Kind { kDirectory, kFile };
  std::string target;
  std::size_t source = 0;  ///< Index into SandboxResources::inputs.
  Mode mode = Mode::kReadOnly;
  Kind kind = Kind::kDirectory;
};

/// Mounted in the order of the list.
struct Mount {
  enum class Type {
    kTmpfs,
    kProc,
    kDevpts,
    kMqueue,
    kSysfs,   ///< Read-only always: it shows the machine.
    kCgroup,  ///< cgroup v2, read-only always.
    kBind,    ///< Of what the caller prepared.
  };
  Type type = Type::kTmpfs;
  std::string target;
  std::uint64_t attributes = 0;  ///< MOUNT_ATTR_*
  std::string options = {};      ///< "key=value,..." for the file system.
  std::size_t source = 0;        ///< kBind: index into SandboxResources::binds.
  InputMount::Kind kind = InputMount::Kind::kDirectory;  ///< kBind
  enum class Content {
    kNone,
    kOfTheDirectory,  ///< What is there already is seen, and can be changed without changing it.
  } content = Content::kNone;  ///< kTmpfs
};

/// A file system of its own in memory (tmpfs(5)), empty at first. What is in it counts as memory of
/// the sandbox. Over what it lies in, below inputs and mounts that lie in it.
struct Tmpfs {
  std::string target;
  std::uint64_t bytes = 0;   ///< At most; above 0.
  std::uint64_t inodes = 0;  ///< At most; above 0.
};

/// A device node of the host, under a path in the root. Nodes cannot be made in a user namespace.
struct Device {
  std::string target;
  std::string host_path;
  std::optional<dev_t> number = {};  ///< Refused when the host's is another one.
  /// Instead of the host's, one that is made for the sandbox (device_nodes.h); `host_path` is where
  /// the host's is, unless the kernel knows better. Refused where neither can be had.
  struct Node {
    enum class Type { kCharacter, kBlock, kFifo } type = Type::kCharacter;
    // None of a node that is made: for everybody, of the sandbox's root.
    std::optional<mode_t> mode = {};
    std::optional<uid_t> uid = {};  ///< Inside.
    std::optional<gid_t> gid = {};
  };
  std::optional<Node> node = {};
};

struct Link {
  std::string target;
  std::string content;
};

/// What may be written to the root file system.
enum class RootAccess {
  kThrownAway,  ///< Everything; it is lost with the sandbox.
  kReadOnly,    ///< Nothing; mounts in it are as they say themselves.
};

/// Of the root mount (mount_namespaces(7)). No mount event leaves or enters a sandbox in any case:
/// this is about mount namespaces made inside.
enum class Propagation { kPrivate, kSlave, kShared, kUnbindable };
enum class PropagationOf { kTheRoot, kAllMounts };

/// Of /dev/shm, in bytes.
inline constexpr std::uint64_t kDefaultShmSize = std::uint64_t{64} << 20U;
/// How many a tmpfs of that size gets: a file takes some of the kernel's memory besides its pages.
std::uint64_t tmpfs_inodes(std::uint64_t bytes);

/// How many pseudo-terminals there are in a sandbox at a time, unless a mount says something else:
/// what one has the others of the machine cannot have (devpts.rst).
inline constexpr unsigned kMostTerminals = 128;

/// /dev, /dev/pts, /dev/shm, /dev/mqueue and /proc.
std::vector<Mount> standard_mounts();
/// null, zero, full, random, urandom and tty.
std::vector<Device> standard_devices();
/// /dev/fd, /dev/stdin and relatives, /dev/ptmx.
std::vector<Link> standard_links();
/// What of /proc tells about the machine or acts on it.
std::vector<std::string> standard_masked_paths();

struct RootSpec {
  std::size_t layers = 1;  ///< How many layers SandboxResources brings.
  RootAccess access = RootAccess::kThrownAway;
  /// Of SELinux, for all files of the overlays and of file systems in memory and terminals; empty:
  /// what the machine's policy says. Refused where the machine has no SELinux.
  std::string mount_label = {};
  Propagation propagation = Propagation::kPrivate;
  PropagationOf propagation_of = PropagationOf::kTheRoot;
  std::vector<Mount> mounts = standard_mounts();
  std::vector<Tmpfs> tmpfs;
  std::vector<Device> devices = standard_devices();
  std::vector<Link> links = standard_links();
  /// Covered: files by the null device, directories by an empty one. Missing ones are fine.
  std::vector<std::string> masked_paths = standard_masked_paths();
  std::vector<std::string> readonly_paths;  ///< With all below. Missing ones are fine.
  /// Where /tmp of the scratch directory is mounted; empty: nowhere.
  std::string temporary = "tmp";
  enum class HostsFile { kWritten, kOfTheImage } hosts_file = HostsFile::kWritten;
  std::vector<std::string>
      host_names;  ///< More names of 127.0.0.1 in /etc/hosts, if it is written.
  std::optional<std::string> resolver_file;  ///< Of /etc/resolv.conf; none: the image's.
};

}  // namespace stagebox::sandbox
