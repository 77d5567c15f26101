// What a bundle asks for and cannot have is refused, and the message names the key.
#include <gtest/gtest.h>

#include <string>

#include "sandbox/oci/oci_config.h"

namespace stagebox::sandbox::oci {
namespace {

// A bundle that is accepted, with `process`, `top` and `linux` put in: members that begin with a
// comma.
std::string bundle(const std::string& process, const std::string& top, const std::string& linux_) {
  return R"({"ociVersion": "1.0.2", "process": {"args": ["sh"], "cwd": "/")" + process +
         R"(}, "root": {"path": "r"})" + top +
         R"(, "linux": {"namespaces": [{"type": "user"}, {"type": "mount"}, {"type": "pid"}])" +
         linux_ + "}}";
}

void expect_refused(const std::string& text, const std::string& name) {
  const auto config = parse_oci_config(text, {{}, "amd64", "SCMP_ARCH_X86_64", 6, 1});
  ASSERT_FALSE(config.ok()) << text;
  EXPECT_NE(config.error().message.find(name), std::string::npos) << config.error().message;
}

TEST(OciRefusals, TheSampleItselfIsAccepted) {
  EXPECT_TRUE(parse_oci_config(bundle("", "", ""), {{}, "amd64", "SCMP_ARCH_X86_64", 6, 1}).ok());
}

TEST(OciRefusals, Process) {
  for (const auto& [member, name] : {
           std::pair{R"(, "execCPUAffinity": {"initial": "0"})", "execCPUAffinity.initial"},
           std::pair{R"(, "execCPUAffinity": {"final": "0-"})", "execCPUAffinity.final"},
           std::pair{R"(, "env": ["NOVALUE"])", "process.env"},
           std::pair{R"(, "user": {"uid": 4294967296})", "process.user.uid"},
           std::pair{R"(, "user": {"uid": -1})", "process.user.uid"},
           std::pair{R"(, "user": {"additionalGids": [-1]})", "process.user.additionalGids"},
           std::pair{R"(, "user": {"umask": 1000})", "process.user.umask"},
           std::pair{R"(, "user": {"username": "root"})", "process.user.username"},
           std::pair{R"(, "capabilities": {"bounding": ["CAP_EVERYTHING"]})", "CAP_EVERYTHING"},
           std::pair{R"(, "rlimits": [{"type": "RLIMIT_X", "soft": 1, "hard": 1}])", "RLIMIT_X"},
           std::pair{R"(, "scheduler": {"policy": "SCHED_X"})", "SCHED_X"},
           std::pair{R"(, "ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 8})", "priority"},
           std::pair{R"(, "noSuchKey": 1)", "process.noSuchKey"},
       })
    expect_refused(bundle(member, "", ""), name);
}

TEST(OciRefusals, HooksAndMounts) {
  for (const auto& [member, name] : {
           std::pair{R"(, "hooks": {"prestart": [{"path": "/x"}]})", "hooks"},
           std::pair{R"(, "vm": {})", "vm"},
           std::pair{R"(, "mounts": [{"destination": "/x", "type": "ext4"}])", "ext4"},
           std::pair{R"(, "mounts": [{"destination": "x", "type": "tmpfs"}])", "destination"},
           std::pair{R"(, "mounts": [{"destination": "/x", "type": "bind"}])", "source"},
           std::pair{R"(, "mounts": [{"destination": "/x", "type": "bind", "source": "/y",
                      "options": ["rslave"]}])",
                     "rslave"},
           std::pair{R"(, "mounts": [{"destination": "/x", "type": "bind", "source": "/y",
                      "options": ["size=1m"]}])",
                     "size=1m"},
           std::pair{R"(, "mounts": [{"destination": "/x", "type": "bind", "source": "/y",
                      "uidMappings": [{"containerID": 0, "hostID": 0, "size": 1}]}])",
                     "mounts[0].gidMappings"},
           std::pair{R"(, "mounts": [{"destination": "/x", "type": "tmpfs",
                      "options": ["idmap"]}])",
                     "idmap"},
           std::pair{R"(, "mounts": [{"destination": "/x", "type": "bind", "source": "/y",
                      "options": ["tmpcopyup"]}])",
                     "tmpcopyup"},
           std::pair{R"(, "mounts": [{"destination": "/x", "type": "bind", "source": "/y",
                      "options": ["remount"]}])",
                     "remount"},
           std::pair{R"(, "mounts": [{"destination": "/x", "type": "bind", "source": "/y",
                      "options": ["sync"]}])",
                     "sync"},
       })
    expect_refused(bundle("", member, ""), name);
}

TEST(OciRefusals, Linux) {
  for (const auto& [member, name] : {
           std::pair{R"(, "cgroupsPath": "/system.slice/../x")", "linux.cgroupsPath"},
           std::pair{R"(, "cgroupsPath": "/")", "linux.cgroupsPath"},
           std::pair{R"(, "cgroupsPath": "..")", "linux.cgroupsPath"},
           std::pair{R"(, "intelRdt": {"closID": "x"})", "linux.intelRdt"},
           std::pair{R"(, "netDevices": {"eth0": {}})", "linux.netDevices"},
           std::pair{R"(, "rootfsPropagation": "x")", "linux.rootfsPropagation"},
           std::pair{R"(, "personality": {"domain": "BSD"})", "linux.personality.domain"},
           std::pair{R"(, "devices": [{"type": "x", "path": "/dev/x"}])", "linux.devices[0].type"},
           std::pair{R"(, "devices": [{"type": "c", "path": "/dev/x", "fileMode": 2541}])",
                     "linux.devices[0].fileMode"},
           std::pair{R"(, "memoryPolicy": {"mode": "MPOL_X"})", "memoryPolicy.mode"},
           std::pair{R"(, "memoryPolicy": {"mode": "MPOL_BIND", "nodes": "x"})",
                     "memoryPolicy.nodes"},
           std::pair{R"(, "maskedPaths": ["proc/kcore"])", "linux.maskedPaths"},
           std::pair{R"(, "uidMappings": [{"containerID": 0, "hostID": 1, "size": 1}])",
                     "linux.gidMappings"},
           std::pair{R"(, "seccomp": {"defaultAction": "SCMP_ACT_NOTIFY"})", "SCMP_ACT_NOTIFY"},
           std::pair{R"(, "unheardOf": true)", "linux.unheardOf"},
       })
    expect_refused(bundle("", "", member), name);
}

TEST(OciRefusals, Resources) {
  for (const auto& [member, name] : {
           std::pair{R"("memory": {"limit": 1000000, "swap": 2})", "memory.swap"},
           std::pair{R"("memory": {"swap": 2000000})", "memory.swap"},
           std::pair{R"("memory": {"disableOOMKiller": true})", "disableOOMKiller"},
           std::pair{R"("memory": {"kernel": 1})", "memory.kernel"},
           std::pair{R"("memory": {"kernelTCP": 1})", "memory.kernelTCP"},
           std::pair{R"("memory": {"swappiness": 101})", "swappiness"},
           std::pair{R"("cpu": {"burst": 1})", "cpu.burst"},
           std::pair{R"("cpu": {"quota": 10000, "burst": 10001})", "cpu.burst"},
           std::pair{R"("cpu": {"period": 0})", "cpu.period"},
           std::pair{R"("cpu": {"idle": 2})", "idle"},
           std::pair{R"("blockIO": {"weight": 1})", "blockIO"},
           std::pair{R"("blockIO": {"leafWeight": 10})", "blockIO.leafWeight"},
           std::pair{R"("blockIO": {"throttleReadBpsDevice": [{"major": 8, "minor": 0}]})",
                     "throttleReadBpsDevice[0].rate"},
           std::pair{R"("blockIO": {"throttleReadBpsDevice": [{"rate": 0}]})", "blockIO"},
           std::pair{R"("hugepageLimits": [{"pageSize": "../2MB", "limit": 1}])", "hugepageLimits"},
           std::pair{R"("network": {"priorities": [{"name": "a b", "priority": 1}]})", "network"},
           std::pair{R"("rdma": {"mlx5_0": {}})", "rdma"},
           std::pair{R"("unified": {"cgroup.procs": "1"})", "unified"},
           std::pair{R"("unified": {"../memory.high": "1"})", "unified"},
           std::pair{R"("devices": [{"allow": false, "type": "c", "major": 1, "minor": 3}])",
                     "devices[0]"},
           std::pair{R"("devices": [{"allow": true}, {"allow": false}])", "devices[1]"},
           std::pair{R"("devices": [{"allow": true, "access": "x"}])", "devices[0].access"},
           std::pair{R"("devices": [{"allow": true, "major": -2}])", "devices[0].major"},
       })
    expect_refused(bundle("", "", R"(, "resources": {)" + std::string(member) + "}"), name);
}

// What a rule of the cgroup would keep from the sandbox is not there, or is not started.
TEST(OciRefusals, DevicesThatTheRulesDoNotOpen) {
  const auto with = [](const std::string& rules) {
    return bundle("", "",
                  R"(, "devices": [{"type": "c", "path": "/dev/fuse", "major": 10, "minor": 229}],
                     "resources": {"devices": [{"allow": false})" +
                      rules + "]}");
  };
  expect_refused(with(""), "/dev/fuse");
  expect_refused(with(R"(, {"allow": true, "type": "c", "major": 10, "minor": 200})"), "/dev/fuse");
  expect_refused(with(R"(, {"allow": true, "type": "b", "major": 10, "minor": 229})"), "/dev/fuse");
  expect_refused(with(R"(, {"allow": true, "type": "c", "major": 10, "access": "rm"})"),
                 "/dev/fuse");
  for (const char* rules :
       {R"(, {"allow": true, "type": "c", "major": 10, "minor": 229, "access": "rwm"})",
        R"(, {"allow": true, "type": "c", "major": 10, "minor": -1, "access": "rw"})",
        R"(, {"allow": true, "access": "r"}, {"allow": true, "type": "c", "access": "w"})"}) {
    const auto config = parse_oci_config(with(rules), {{}, "amd64", "SCMP_ARCH_X86_64", 6, 1});
    EXPECT_TRUE(config.ok()) << config.error().message;
  }
}

TEST(OciRefusals, Namespaces) {
  const auto with = [](const std::string& namespaces) {
    return R"({"ociVersion": "1.0.2", "process": {"args": ["sh"]}, "root": {"path": "r"},
               "linux": {"namespaces": [)" +
           namespaces + "]}}";
  };
  expect_refused(with(R"({"type": "pid"})"), "mount namespace");
  expect_refused(with(R"({"type": "user"}, {"type": "mount"})"), "pid namespace");
  expect_refused(
      with(R"({"type": "user"}, {"type": "mount"}, {"type": "pid", "path": "/proc/1/ns/pid"})"),
      "the pid namespace of a sandbox is always a new one");
  expect_refused(
      with(R"({"type": "user", "path": "/proc/1/ns/user"}, {"type": "mount"}, {"type": "pid"})"),
      "the user namespace of a sandbox is always a new one");
  expect_refused(with(R"({"type": "mount"}, {"type": "pid"}, {"type": "uts", "path": "x"})"),
                 "linux.namespaces[2].path");
  expect_refused(R"({"ociVersion": "1.0.2", "process": {"args": ["sh"]}, "root": {"path": "r"},
                     "linux": {"namespaces": [{"type": "mount"}, {"type": "pid"}],
                               "uidMappings": [{"containerID": 0, "hostID": 1, "size": 1}],
                               "gidMappings": [{"containerID": 0, "hostID": 1, "size": 1}]}})",
                 "linux.namespaces has no user namespace");
  expect_refused(with(R"({"type": "user"}, {"type": "mount"}, {"type": "pid"}, {"type": "moon"})"),
                 "moon");
  expect_refused(with(R"({"type": "user"}, {"type": "user"})"), "twice");
}

TEST(OciRefusals, Malformed) {
  for (const char* text :
       {"", "[]", "{", "null", R"({"ociVersion": "2.0"})", R"({"ociVersion": "1.0.2"})",
        R"({"ociVersion": "1.0.2", "process": 1})"})
    EXPECT_FALSE(parse_oci_config(text, {}).ok()) << text;
}

}  // namespace
}  // namespace stagebox::sandbox::oci
