// Images whose mount targets, their parents or the files that are written into them are links: to
// the host, relative, dangling. Refused, or resolved inside; never a write on the host.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/kernel/escape/escape_fixture.h"

namespace stagebox::testing {
namespace {

namespace fs = std::filesystem;

class MountTargetTest : public EscapeTest {
 protected:
  // Every way in which `path` of the image can lead somewhere else.
  void try_links(const std::string& path) {
    const std::string up = "../../../../../../../../../../../..";
    for (const std::string& target :
         {canary(), up + canary(), canary() + "/dangling", std::string("/proc/self/root"),
          std::string("/proc/self/cwd"), std::string("/proc/1/root") + canary(), up + "/tmp",
          canary() + "/secret", std::string("/"), std::string("."), path}) {
      replace_by_link(path, target);
      const auto result = run("cat /workspace/secret /tmp/secret /data/secret 2>/dev/null; true");
      if (result.ok()) {
        EXPECT_EQ(result->output, "") << path << " -> " << target;
      } else {
        EXPECT_NE(result.error().message.find("set up the sandbox"), std::string::npos)
            << path << " -> " << target << ": " << result.error().message;
        discard_scratch();
      }
    }
  }
};

// CVE-2019-19921, CVE-2023-27561 and later ones of the kind.
TEST_F(MountTargetTest, LinksInTheImageLeadNowhere) {
  for (const char* path : {"proc", "dev", "tmp", "workspace"}) {
    try_links(path);
    fs::remove(dir_.path("layer/") + path);
  }
}

// CVE-2025-24965: files that we write into the image.
TEST_F(MountTargetTest, LinksInPlaceOfInjectedFilesLeadNowhere) {
  try_links("etc/hosts");
  fs::remove(dir_.path("layer/etc/hosts"));
  try_links("etc");
}

TEST_F(MountTargetTest, LinksOnTheWayToAnInputLeadNowhere) {
  spec_.workspace = "data/deep/workspace";
  spec_.command.workdir = "/";
  for (const char* path : {"data/deep/workspace", "data/deep", "data"}) {
    try_links(path);
    fs::remove_all(dir_.path("layer/data"));
    fs::remove(dir_.path("layer/") + path);
  }
}

TEST_F(MountTargetTest, OtherThingsInPlaceOfDirectoriesAreRefused) {
  for (const char* path : {"proc", "dev", "tmp", "workspace"}) {
    const std::string at = dir_.path("layer/") + path;
    fs::remove_all(at);
    std::ofstream(at) << "a file";
    EXPECT_FALSE(run("true").ok()) << path;
    discard_scratch();
    fs::remove(at);
    ASSERT_EQ(::mkfifo(at.c_str(), 0666), 0);
    EXPECT_FALSE(run("true").ok()) << path;
    discard_scratch();
    fs::remove(at);
  }
}

// A FIFO in place of a file that we write must not make us wait for its reader.
TEST_F(MountTargetTest, AFifoInPlaceOfHostsIsRefused) {
  fs::remove(dir_.path("layer/etc/hosts"));
  ASSERT_EQ(::mkfifo(dir_.path("layer/etc/hosts").c_str(), 0666), 0);
  EXPECT_FALSE(run("true").ok());
}

// CVE-2024-21626.
TEST_F(MountTargetTest, WorkdirThroughADescriptorIsRefused) {
  for (int fd = 0; fd < 24; ++fd) {
    for (const std::string& base :
         {std::string("/proc/self/fd/"), std::string("/proc/1/fd/"), std::string("/dev/fd/"),
          std::string("/proc/thread-self/fd/")}) {
      spec_.command.workdir = base + std::to_string(fd);
      EXPECT_FALSE(run("pwd").ok()) << spec_.command.workdir;
      discard_scratch();
    }
  }
  for (const char* workdir : {"/proc/self/cwd", "/proc/self/root", "/proc/1/cwd", "/proc/1/root"}) {
    spec_.command.workdir = workdir;
    EXPECT_FALSE(run("pwd").ok()) << workdir;
    discard_scratch();
  }
}

TEST_F(MountTargetTest, WorkdirThroughALinkToADescriptorIsRefused) {
  for (int fd = 3; fd < 12; ++fd) {
    replace_by_link("work", "/proc/self/fd/" + std::to_string(fd) + "/..");
    spec_.command.workdir = "/work";
    EXPECT_FALSE(run("pwd").ok()) << fd;
    discard_scratch();
  }
}

TEST_F(MountTargetTest, OnlyTheStandardDescriptorsArrive) {
  expect_all_refused(ATTACK("descriptors").output, 2);
}

}  // namespace
}  // namespace stagebox::testing
