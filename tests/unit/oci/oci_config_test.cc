// A config.json that says everything a sandbox can give, and what becomes of it.
#include "sandbox/oci/oci_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/sysmacros.h>

#include <fstream>
#include <sstream>

#include "sandbox/plan/child_plan_builder.h"
#include "sandbox/step_description.h"

namespace stagebox::sandbox::oci {
namespace {

std::string sample(const std::string& name) {
  std::ifstream file(std::string(STAGEBOX_OCI_SAMPLES) + "/" + name);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

ProfileContext machine() { return {{}, "amd64", "SCMP_ARCH_X86_64", 6, 1}; }

OciConfig whole() {
  auto config = parse_oci_config(sample("whole.json"), machine());
  EXPECT_TRUE(config.ok()) << config.error().message;
  return std::move(*config);
}

TEST(OciConfig, Process) {
  const SandboxSpec spec = whole().spec;
  EXPECT_THAT(spec.command.argv, ::testing::ElementsAre("make", "-j2"));
  EXPECT_THAT(spec.command.environment,
              ::testing::ElementsAre(::testing::Pair("EMPTY", ""), ::testing::Pair("EQUALS", "a=b"),
                                     ::testing::Pair("PATH", "/usr/bin:/bin")));
  EXPECT_EQ(spec.command.workdir, "/src");
  EXPECT_EQ(spec.user.uid, 1000U);
  EXPECT_EQ(spec.user.gid, 1001U);
  EXPECT_EQ(spec.user.umask, 077U);
  EXPECT_THAT(spec.user.groups, ::testing::ElementsAre(5, 6));
  EXPECT_EQ(spec.capabilities.bounding, 0x421U);
  EXPECT_EQ(spec.capabilities.permitted, 0x21U);
  EXPECT_EQ(spec.capabilities.effective, 0x1U);
  EXPECT_EQ(spec.capabilities.inheritable, 0x20U);
  EXPECT_EQ(spec.capabilities.ambient, 0x20U);
  ASSERT_EQ(spec.rlimits.size(), 2U);
  EXPECT_EQ(spec.rlimits[0].resource, RLIMIT_NOFILE);
  EXPECT_EQ(spec.rlimits[0].soft, 1024U);
  EXPECT_EQ(spec.rlimits[0].hard, 4096U);
  EXPECT_EQ(spec.set_id_programs, SetIdPrograms::kPowerless);
  EXPECT_EQ(spec.oom_score_adj, 100);
  ASSERT_TRUE(spec.terminal);
  EXPECT_EQ(spec.terminal->rows, 50U);
  EXPECT_EQ(spec.terminal->columns, 132U);
}

TEST(OciConfig, Priorities) {
  const SandboxSpec spec = whole().spec;
  ASSERT_TRUE(spec.scheduling);
  EXPECT_EQ(spec.scheduling->policy, static_cast<std::uint32_t>(SCHED_BATCH));
  EXPECT_EQ(spec.scheduling->nice, 10);
  EXPECT_EQ(spec.scheduling->flags, 1U);
  ASSERT_TRUE(spec.io_priority);
  EXPECT_EQ(spec.io_priority->level_class, IoPriority::Class::kIdle);
  EXPECT_EQ(spec.personality, Personality::kLinux32);
}

TEST(OciConfig, Root) {
  const OciConfig config = whole();
  EXPECT_EQ(config.root, "rootfs");
  EXPECT_EQ(config.spec.access, RootAccess::kReadOnly);
  EXPECT_EQ(config.spec.propagation, Propagation::kShared);
  EXPECT_EQ(config.spec.propagation_of, PropagationOf::kAllMounts);
  EXPECT_EQ(config.spec.hostname, "builder");
  EXPECT_EQ(config.spec.domainname, "example.org");
  ASSERT_EQ(config.binds.size(), 4U);
  EXPECT_EQ(config.binds[0].path, "/home/user/src");
  EXPECT_EQ(config.binds[0].depth, MountDepth::kWithSubmounts);
  EXPECT_EQ(config.binds[1].path, "out");
  EXPECT_EQ(config.binds[1].depth, MountDepth::kOne);
  EXPECT_THAT(config.spec.masked_paths, ::testing::ElementsAre("proc/kcore", "sys/firmware"));
  EXPECT_THAT(config.spec.readonly_paths, ::testing::ElementsAre("proc/sys"));
}

TEST(OciConfig, Devices) {
  const std::vector<Device> devices = whole().spec.devices;
  ASSERT_GE(devices.size(), 2U);
  const Device& fuse = devices[devices.size() - 2];
  EXPECT_EQ(fuse.target, "dev/fuse");
  EXPECT_EQ(fuse.number, ::makedev(10, 229));
  ASSERT_TRUE(fuse.node);
  EXPECT_EQ(fuse.node->type, Device::Node::Type::kCharacter);
  EXPECT_EQ(fuse.node->mode, 0660U) << "without the type, which some put into it";
  EXPECT_EQ(fuse.node->uid, 7U);
  EXPECT_EQ(fuse.node->gid, 8U);
  const Device& pipe = devices.back();
  ASSERT_TRUE(pipe.node);
  EXPECT_EQ(pipe.node->type, Device::Node::Type::kFifo);
  EXPECT_EQ(pipe.node->mode, 0600U);
  EXPECT_FALSE(pipe.node->uid);
}

TEST(OciConfig, BindsHaveIdsOfTheirOwn) {
  const OciConfig config = whole();
  ASSERT_EQ(config.binds.size(), 4U);
  EXPECT_FALSE(config.binds[0].mapped);
  ASSERT_TRUE(config.binds[2].mapped && config.binds[2].mapped->mappings);
  EXPECT_EQ(config.binds[2].mapped->depth, MountDepth::kWithSubmounts);
  EXPECT_EQ(config.binds[2].mapped->mappings->users[0].outside, 100000U);
  EXPECT_EQ(config.binds[2].mapped->mappings->groups[0].count, 20U);
  ASSERT_TRUE(config.binds[3].mapped);
  EXPECT_FALSE(config.binds[3].mapped->mappings) << "the sandbox's";
  EXPECT_EQ(config.binds[3].mapped->depth, MountDepth::kOne);
}

TEST(OciConfig, OptionsOfMounts) {
  const std::vector<Mount> mounts = whole().spec.mounts;
  ASSERT_EQ(mounts.size(), 12U);
  EXPECT_EQ(
      mounts[9].attributes,
      static_cast<std::uint64_t>(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOATIME | MOUNT_ATTR_NOSYMFOLLOW));
  EXPECT_EQ(mounts[11].attributes, 0U);
  EXPECT_EQ(mounts[11].options, "sync,size=1m");
}

TEST(OciConfig, LabelsAndAffinity) {
  const SandboxSpec spec = whole().spec;
  EXPECT_EQ(spec.labels.apparmor_profile, "acme");
  EXPECT_EQ(spec.labels.selinux_label, "system_u:system_r:container_t:s0:c1,c2");
  EXPECT_EQ(spec.added_cpus, "0-1");
  ASSERT_TRUE(spec.memory_policy);
  EXPECT_EQ(spec.memory_policy->mode, 2U | 1U << 15U);
  EXPECT_EQ(spec.memory_policy->nodes, "0");
}

TEST(OciConfig, NamespacesThatAreThere) {
  const auto config = parse_oci_config(
      R"({"ociVersion": "1.0.2", "process": {"args": ["sh"], "cwd": "/"}, "root": {"path": "r"},
          "linux": {"namespaces": [{"type": "mount"}, {"type": "pid"}, {"type": "cgroup"},
                                   {"type": "network", "path": "/run/netns/a"},
                                   {"type": "uts", "path": "/proc/7/ns/uts"}]}})",
      machine());
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->spec.namespaces.network, Sharing::kGiven);
  EXPECT_EQ(config->namespaces.network, "/run/netns/a");
  EXPECT_EQ(config->spec.namespaces.uts, Sharing::kGiven);
  EXPECT_EQ(config->namespaces.uts, "/proc/7/ns/uts");
  EXPECT_TRUE(config->spec.hostname.empty()) << "it has one";
  EXPECT_EQ(config->spec.namespaces.ipc, Sharing::kWithHost);
  EXPECT_EQ(config->spec.namespaces.cgroup, Sharing::kOwn);
  EXPECT_TRUE(config->namespaces.cgroup.empty());
}

TEST(OciConfig, KernelSettings) {
  const OciConfig config = whole();
  const SandboxSpec& spec = config.spec;
  ASSERT_TRUE(spec.id_mappings);
  ASSERT_EQ(spec.id_mappings->users.size(), 2U);
  EXPECT_EQ(spec.id_mappings->users[1].inside, 1000U);
  EXPECT_EQ(spec.id_mappings->users[1].outside, 200000U);
  EXPECT_EQ(spec.id_mappings->users[1].count, 10U);
  EXPECT_THAT(spec.sysctls,
              ::testing::ElementsAre(::testing::Pair("kernel.msgmax", "16384"),
                                     ::testing::Pair("net.ipv4.ip_default_ttl", "99")));
  ASSERT_TRUE(spec.clock_offsets);
  EXPECT_EQ(spec.clock_offsets->monotonic.seconds, 3600);
  EXPECT_EQ(spec.clock_offsets->boottime.seconds, -7);
  ASSERT_EQ(config.seccomp.rules.size(), 1U);
}

TEST(OciConfig, Limits) {
  const SandboxSpec spec = whole().spec;
  EXPECT_EQ(spec.cgroup, "/ci/build-17");
  EXPECT_EQ(spec.limits.memory, 536870912U);
  EXPECT_EQ(spec.limits.memory_reservation, 1048576U);
  EXPECT_EQ(spec.limits.cpus, 1.5);
  EXPECT_EQ(spec.limits.cpu_weight, 50U);
  EXPECT_EQ(spec.limits.cpuset, "0-1");
  EXPECT_EQ(spec.limits.cpuset_mems, "0");
  EXPECT_EQ(spec.limits.pids, 128U);
}

TEST(OciConfig, LimitsOfControllers) {
  const ControllerLimits limits = whole().spec.limits.controllers;
  EXPECT_EQ(limits.swap, 536870912U) << "what is left when memory is taken off";
  EXPECT_EQ(limits.swappiness, 10U);
  EXPECT_EQ(limits.cpu_period, 50000U);
  EXPECT_EQ(limits.cpu_burst, 5000U);
  EXPECT_EQ(limits.cpu_idle, 0U);
  EXPECT_EQ(limits.realtime_runtime, 950000);
  EXPECT_EQ(limits.realtime_period, 1000000U);
  ASSERT_EQ(limits.huge_pages.size(), 2U);
  EXPECT_EQ(limits.huge_pages[0].page_size, "2MB");
  EXPECT_EQ(limits.huge_pages[0].bytes, 209715200U);
  EXPECT_EQ(limits.network_class, 1048577U);
  EXPECT_THAT(limits.network_priorities, ::testing::ElementsAre(::testing::Pair("eth0", 500U)));
  ASSERT_EQ(limits.rdma.size(), 1U);
  EXPECT_EQ(limits.rdma[0].device, "mlx5_1");
  EXPECT_EQ(limits.rdma[0].handles, 3U);
  EXPECT_EQ(limits.rdma[0].objects, 10000U);
  EXPECT_THAT(limits.unified, ::testing::ElementsAre(::testing::Pair("memory.high", "268435456")));
}

TEST(OciConfig, BlockIo) {
  const BlockIo block_io = whole().spec.limits.controllers.block_io;
  EXPECT_EQ(block_io.weight, 300U);
  ASSERT_EQ(block_io.disks.size(), 2U);
  const DiskLimits& first = block_io.disks[0];
  EXPECT_EQ(first.major, 8U);
  EXPECT_EQ(first.minor, 0U);
  EXPECT_EQ(first.weight, 500U);
  EXPECT_EQ(first.read_bytes, 600U);
  EXPECT_EQ(first.write_operations, 900U);
  EXPECT_FALSE(first.write_bytes || first.read_operations);
  const DiskLimits& second = block_io.disks[1];
  EXPECT_EQ(second.minor, 16U);
  EXPECT_EQ(second.write_bytes, 700U);
  EXPECT_EQ(second.read_operations, 800U);
}

// As `crun spec` writes one, without a user and a cgroup namespace.
TEST(OciConfig, OfCrun) {
  const auto config = parse_oci_config(sample("of_crun.json"), machine());
  ASSERT_TRUE(config.ok()) << config.error().message;
  const SandboxSpec& spec = config->spec;
  EXPECT_EQ(spec.capabilities.permitted, 0x20000420U);
  EXPECT_EQ(spec.capabilities.ambient, 0U) << "none is inheritable";
  EXPECT_EQ(spec.namespaces.network, Sharing::kOwn);
  EXPECT_EQ(spec.namespaces.cgroup, Sharing::kOwn);
  EXPECT_FALSE(spec.id_mappings);
  EXPECT_EQ(spec.mounts.size(), 7U);
}

// What `podman create --network none --memory 128m --pids-limit 50 --device /dev/fuse -v
// DIR:/data:ro
// --read-only --rootfs DIR sh` writes.
TEST(OciConfig, OfPodman) {
  const auto config = parse_oci_config(sample("of_podman.json"), machine());
  ASSERT_TRUE(config.ok()) << config.error().message;
  const SandboxSpec& spec = config->spec;
  EXPECT_EQ(spec.cgroup, "/libpod_parent/libpod-0123456789abcdef");
  EXPECT_EQ(spec.limits.memory, std::uint64_t{128} << 20U);
  EXPECT_EQ(spec.limits.controllers.swap, std::uint64_t{128} << 20U);
  EXPECT_EQ(spec.devices.back().node->mode, 0600U);
  EXPECT_EQ(config->binds.size(), 4U);
  EXPECT_FALSE(config->seccomp.rules.empty());
  EXPECT_EQ(spec.set_id_programs, SetIdPrograms::kHonoured);
}

// The set-up as a whole, in order. A change of it is a change of what untrusted code may do.
TEST(OciConfig, GoldenPlan) {
  SandboxSpec spec = whole().spec;
  auto filter = std::make_shared<SeccompProgram>();
  filter->instructions.push_back(BPF_STMT(BPF_RET | BPF_K, 0));
  spec.seccomp = filter;
  const auto plan =
      build_child_plan(spec, KernelFeatures{7, true, true, true}, ExecMoment::kWhenTold);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  std::string text;
  const child::PlanView view(plan->data());
  for (std::uint32_t i = 0; i < view.header().step_count; ++i)
    text += describe_step(*plan, i) + "\n";
  EXPECT_EQ(text, sample("whole.plan"));
}

TEST(OciConfig, WhatIsLeftOutIsNotTheHosts) {
  const auto config = parse_oci_config(
      R"({"ociVersion": "1.0.2", "process": {"args": ["sh"], "cwd": "/"}, "root": {"path": "r"},
          "linux": {"namespaces": [{"type": "user"}, {"type": "mount"}, {"type": "pid"},
                                   {"type": "uts"}]}})",
      machine());
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->spec.hostname, "stagebox");
  EXPECT_TRUE(config->spec.capabilities.none());
  EXPECT_FALSE(config->seccomp.rules.empty()) << "without linux.seccomp the default filter holds";
  EXPECT_TRUE(config->spec.mounts.empty());
  EXPECT_TRUE(config->spec.temporary.empty());
  // As the specification has them: named weakenings, which a caller sees and may refuse.
  EXPECT_EQ(config->spec.set_id_programs, SetIdPrograms::kHonoured);
  EXPECT_EQ(config->spec.namespaces.network, Sharing::kWithHost);
  EXPECT_EQ(config->spec.namespaces.uts, Sharing::kOwn);
}

}  // namespace
}  // namespace stagebox::sandbox::oci
