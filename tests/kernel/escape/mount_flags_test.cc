// What lies in a tree that somebody else has made: on no mount of a sandbox does a set-id file or a
// device node count for anything (nosuid and nodev of mount(8)).
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "runtime/base/syscalls.h"
#include "tests/kernel/escape/escape_fixture.h"

namespace stagebox::testing {
namespace {

namespace fs = std::filesystem;
using sandbox::HostIds;
using sandbox::InputMount;

class MountFlagsTest : public EscapeTest {
 protected:
  void SetUp() override {
    EscapeTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    fs::create_directory(dir_.path("input"));
    std::ofstream(dir_.path("input/file")) << "content\n";
    own_by_sandbox_root("input");
    input_dir_ = dir_.path("input");
  }

  // The mounts that the stage sees, by where they are, with their flags (",rw,nosuid,..."); but
  // for the devices that a sandbox has, which are single files of the host's /dev.
  std::map<std::string, std::string> mounts() {
    const auto result = run(
        "while read id parent device root at flags rest; do [ -c $at ] || echo $at $flags; done "
        "< /proc/self/mountinfo");  // proc_pid_mountinfo(5)
    EXPECT_TRUE(result.ok()) << result.error().message;
    std::map<std::string, std::string> found;
    std::istringstream lines(result.ok() ? result->output : "");
    for (std::string at, flags; lines >> at >> flags;) found[at] = "," + flags + ",";
    return found;
  }

  void expect_flags(const std::vector<std::string>& paths, const std::vector<std::string>& flags) {
    const auto found = mounts();
    for (const std::string& path : paths) {
      const auto mount = found.find(path);
      ASSERT_NE(mount, found.end()) << path;
      for (const std::string& flag : flags)
        EXPECT_NE(mount->second.find("," + flag + ","), std::string::npos)
            << path << ": no " << flag << " in " << mount->second;
    }
  }
};

TEST_F(MountFlagsTest, EveryMountButDevicesIsWithoutDevicesAndSetIdFiles) {
  for (const auto mode : {InputMount::Mode::kReadOnly, InputMount::Mode::kOverlay}) {
    input_mode_ = mode;
    const auto found = mounts();
    for (const char* path : {"/", "/tmp", "/workspace", "/workspace/in", "/proc", "/dev"})
      EXPECT_EQ(found.count(path), 1U) << path;
    for (const auto& [path, flags] : found) {
      EXPECT_NE(flags.find(",nosuid,"), std::string::npos) << path << ": " << flags;
      if (path == "/dev/pts") continue;  // Terminals are what it is for.
      EXPECT_NE(flags.find(",nodev,"), std::string::npos) << path << ": " << flags;
    }
  }
}

// However they reach us: what the sandbox itself writes to has the flags from the sandbox, too.
TEST_F(MountFlagsTest, TheScratchDirectoryNeedsNoFlagsOfItsOwn) {
  on_resources_ = [](sandbox::SandboxResources& resources) {
    struct mount_attr bare{};
    bare.attr_clr = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
    ASSERT_GE(base::sys::mount_setattr(resources.scratch.get(), "", AT_EMPTY_PATH, bare), 0);
  };
  expect_flags({"/tmp", "/workspace"}, {"nosuid", "nodev"});
}

TEST_F(MountFlagsTest, ADeviceNodeOfATreeOpensNothing) {
  if (host_ids_kind() != HostIds::Kind::kRoot) GTEST_SKIP() << "root alone can make a device node";
  for (const char* name : {"input/zero", "layer/zero"}) {
    ASSERT_EQ(::mknod(dir_.path(name).c_str(), S_IFCHR | 0666, ::makedev(1, 5)), 0);
    ASSERT_EQ(::chmod(dir_.path(name).c_str(), 0666), 0);
  }
  own_by_sandbox_root("input");
  own_by_sandbox_root("layer");
  for (const auto mode : {InputMount::Mode::kReadOnly, InputMount::Mode::kOverlay}) {
    input_mode_ = mode;
    const auto result = run("head -c 1 /workspace/in/zero | wc -c; head -c 1 /zero | wc -c");
    ASSERT_TRUE(result.ok()) << result.error().message;
    EXPECT_EQ(
        result->output,
        "head: /workspace/in/zero: Permission denied\n0\nhead: /zero: Permission denied\n0\n");
  }
}

// Where the spec lets set-id files of the image count, those of an input and of the workspace still
// do not.
TEST_F(MountFlagsTest, SetIdFilesCountInTheImageAlone) {
  if (host_ids_kind() == HostIds::Kind::kSingle) GTEST_SKIP() << "no subordinate ids";
  fs::copy(dir_.path("layer/bin/attack"), dir_.path("input/attack"));
  own_by_sandbox_root("input");
  for (const char* name : {"input/attack", "layer/bin/attack"})
    ASSERT_EQ(::chmod(dir_.path(name).c_str(), 04755), 0);
  spec_.user = {1000, 1000, {}};
  spec_.set_id_programs = sandbox::SetIdPrograms::kHonoured;
  for (const auto mode : {InputMount::Mode::kReadOnly, InputMount::Mode::kOverlay}) {
    input_mode_ = mode;
    const auto result = run("/bin/attack effective-user; /workspace/in/attack effective-user");
    ASSERT_TRUE(result.ok()) << result.error().message;
    EXPECT_EQ(result->output, "1000 0\n1000 1000\n");
  }
}

}  // namespace
}  // namespace stagebox::testing
