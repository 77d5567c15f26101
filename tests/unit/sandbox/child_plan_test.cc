#include "sandbox/child/child_plan.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "sandbox/fork_server/fd_message.h"
#include "sandbox/plan/child_plan_builder.h"
#include "sandbox/plan/root_plan.h"
#include "sandbox/step_description.h"

namespace stagebox::sandbox {
namespace {

SandboxSpec minimal_spec() {
  SandboxSpec spec;
  spec.command.argv = {"true", "argument"};
  spec.command.environment = {{"PATH", "/bin"}};
  spec.workspace = "workspace";
  auto program = std::make_shared<SeccompProgram>();
  program->instructions.push_back(BPF_STMT(BPF_RET | BPF_K, 0));
  spec.seccomp = program;
  return spec;
}

// The order of set-up, with the texts of each step.
std::vector<std::string> steps_of(const std::vector<std::byte>& plan) {
  std::vector<std::string> steps;
  const child::PlanView view(plan.data());
  for (std::uint32_t i = 0; i < view.header().step_count; ++i) {
    const child::Step& step = view.step(i);
    steps.push_back(std::to_string(static_cast<int>(step.kind)) + " " + view.text(step.text1));
  }
  return steps;
}

// Everything that a kernel could have.
constexpr KernelFeatures kNewKernel{7, true};

base::Result<std::vector<std::byte>> build_child_plan(const SandboxSpec& spec) {
  return build_child_plan(spec, kNewKernel);
}

std::size_t position(const std::vector<std::byte>& plan, child::StepKind kind) {
  const child::PlanView view(plan.data());
  for (std::uint32_t i = 0; i < view.header().step_count; ++i) {
    if (view.step(i).kind == kind) return i;
  }
  return SIZE_MAX;
}

TEST(ChildPlan, CarriesTheCommand) {
  const auto plan = build_child_plan(minimal_spec()).value();
  const child::PlanView view(plan.data());
  EXPECT_EQ(view.header().size, plan.size());
  ASSERT_EQ(view.header().argc, 2U);
  EXPECT_STREQ(view.text(view.offsets(view.header().argv)[1]), "argument");
  ASSERT_EQ(view.header().environment_count, 1U);
  EXPECT_STREQ(view.text(view.offsets(view.header().environment)[0]), "PATH=/bin");
}

// Over the workspace and what it lies in, below what lies in it.
TEST(ChildPlan, TemporaryFileSystemsAndInputs) {
  SandboxSpec spec = minimal_spec();
  spec.inputs = {{"run/secrets", 0, InputMount::Mode::kReadOnly, InputMount::Kind::kDirectory},
                 {"workspace/src", 1, InputMount::Mode::kReadOnly, InputMount::Kind::kDirectory}};
  spec.tmpfs = {{"workspace/src/build", 4096, 16}, {"run", 4096, 16}};
  const std::vector<std::string> steps = steps_of(build_child_plan(spec).value());
  const auto at = [&](child::StepKind kind, const std::string& path) {
    return std::ranges::find(steps, std::to_string(static_cast<int>(kind)) + " " + path) -
           steps.begin();
  };
  using Kind = child::StepKind;
  EXPECT_LT(at(Kind::kBindStaging, "workspace"), at(Kind::kMountTmpfs, "run"));
  EXPECT_LT(at(Kind::kMountTmpfs, "run"), at(Kind::kAttachRoot, "run/secrets"));
  EXPECT_LT(at(Kind::kAttachRoot, "workspace/src"), at(Kind::kMountTmpfs, "workspace/src/build"));
  EXPECT_LT(at(Kind::kMountTmpfs, "workspace/src/build"),
            static_cast<std::ptrdiff_t>(steps.size()));
}

// When the last is mounted, and before the command can be there.
TEST(ChildPlan, TemporaryFileSystemsAreReported) {
  using Kind = child::StepKind;
  SandboxSpec spec = minimal_spec();
  spec.tmpfs = {{"x", 4096, 16}};
  const auto plan = build_child_plan(spec).value();
  const child::PlanView view(plan.data());
  const std::size_t report = position(plan, Kind::kReportTmpfs);
  std::size_t mounted = 0;
  for (std::uint32_t i = 0; i < view.header().step_count; ++i) {
    if (view.step(i).kind != Kind::kMountTmpfs) continue;
    EXPECT_LT(i, report);
    ++mounted;
  }
  EXPECT_EQ(mounted, 3U) << "/dev, /dev/shm and /x";
  EXPECT_LT(report, position(plan, Kind::kEnterRoot));
  spec.tmpfs.clear();
  spec.mounts.clear();
  EXPECT_EQ(position(build_child_plan(spec).value(), Kind::kReportTmpfs), SIZE_MAX);
}

TEST(ChildPlan, AsManyTemporaryFileSystemsAsOneMessageTakes) {
  SandboxSpec spec = minimal_spec();
  static_assert(child::kMaxTmpfs == kMaxMessageFds);
  while (spec.tmpfs.size() + 2 < child::kMaxTmpfs)
    spec.tmpfs.push_back({"t/" + std::to_string(spec.tmpfs.size()), 4096, 16});
  EXPECT_TRUE(build_child_plan(spec).ok());
  spec.tmpfs.push_back({"one/more", 4096, 16});
  const auto refused = build_child_plan(spec);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("253 file systems in memory"), std::string::npos);
}

TEST(ChildPlan, TemporaryFileSystemsThatCannotBe) {
  const auto refused = [](const std::vector<Tmpfs>& tmpfs) {
    SandboxSpec spec = minimal_spec();
    spec.inputs = {{"in", 0, InputMount::Mode::kReadOnly, InputMount::Kind::kDirectory},
                   {"in/a/b", 1, InputMount::Mode::kReadOnly, InputMount::Kind::kDirectory}};
    spec.tmpfs = tmpfs;
    return !build_child_plan(spec).ok();
  };
  EXPECT_FALSE(refused({{"x", 4096, 16}, {"x/y", 4096, 16}}));
  EXPECT_TRUE(refused({{"x", 0, 16}}));
  EXPECT_TRUE(refused({{"x", 4096, 0}}));
  EXPECT_TRUE(refused({{"../x", 4096, 16}}));
  EXPECT_TRUE(refused({{"x", 4096, 16}, {"x", 4096, 16}}));
  EXPECT_TRUE(refused({{"in", 4096, 16}}));
  EXPECT_TRUE(refused({{"in/a", 4096, 16}})) << "one of the two would not be seen";
  EXPECT_FALSE(refused({{"dev/shm", 4096, 16}}));
  EXPECT_TRUE(refused({{"dev", 4096, 16}}));
  EXPECT_TRUE(refused({{"proc", 4096, 16}}));
}

TEST(ChildPlan, SharedMemoryIsAsLargeAsIsAskedFor) {
  SandboxSpec spec = minimal_spec();
  const auto options = [&] {
    const auto plan = build_child_plan(spec).value();
    const child::PlanView view(plan.data());
    std::vector<std::string> found;
    for (std::uint32_t i = 0; i < view.header().step_count; ++i) {
      const child::Step& step = view.step(i);
      if (step.kind == child::StepKind::kMountTmpfs && view.text(step.text1) == kShm)
        found.emplace_back(view.text(step.text2));
    }
    return found;
  };
  EXPECT_EQ(options(), std::vector<std::string>{"mode=1777,size=64m,nr_inodes=16384"});
  spec.limits.shm_size = kDefaultShmSize;
  EXPECT_EQ(options(), std::vector<std::string>{"mode=1777,size=67108864,nr_inodes=16384"});
  spec.tmpfs = {{"dev/shm", 4096, 16}};
  EXPECT_FALSE(build_child_plan(spec).ok()) << "two sizes";
  spec.tmpfs.clear();
  std::erase_if(spec.mounts, is_shm);
  EXPECT_FALSE(build_child_plan(spec).ok()) << "nothing that could have that size";
  spec.limits.shm_size.reset();
  EXPECT_TRUE(build_child_plan(spec).ok());
}

TEST(ChildPlan, IsDeterministic) {
  EXPECT_EQ(build_child_plan(minimal_spec()).value(), build_child_plan(minimal_spec()).value());
}

// What makes the sandbox safe is as much the order as the steps.
TEST(ChildPlan, OrdersTheStepsThatProtect) {
  using K = child::StepKind;
  const auto plan = build_child_plan(minimal_spec()).value();
  const std::vector<K> order{K::kBecomeNamespaceRoot,
                             K::kNewCgroupNamespace,
                             K::kMakeMountsPrivate,
                             K::kMountStaging,
                             K::kMountOverlay,
                             K::kOpenRoot,
                             K::kEnterRoot,
                             K::kStartStage,
                             K::kNewSession,
                             K::kStdio,
                             K::kCapabilityBounds,
                             K::kSetUser,
                             K::kDropCapabilities,
                             K::kWorkdir,
                             K::kNoNewPrivileges,
                             K::kSeccomp,
                             K::kExec};
  for (std::size_t i = 1; i < order.size(); ++i) {
    EXPECT_LT(position(plan, order[i - 1]), position(plan, order[i])) << i;
  }
  EXPECT_EQ(position(plan, K::kExec) + 1, child::PlanView(plan.data()).header().step_count);
  EXPECT_EQ(position(plan, K::kSeccomp) + 1, position(plan, K::kExec)) << "nothing may run between";
}

// What holds the sandbox's first process holds those that are added.
TEST(ChildPlan, WhatIsAddedHasTheLabelsOfItsSandbox) {
  ProcessSpec process;
  process.command.argv = {"true"};
  const SeccompProgram filter;
  const SecurityLabels labels{"profile", "label"};
  const auto plan_of = [&](const SecurityLabels& of_sandbox) {
    return build_exec_plan(process, {filter, {}, SandboxSpec::Groups::kSettable, of_sandbox});
  };
  const auto plan = plan_of(labels).value();
  const std::size_t proc = position(plan, child::StepKind::kOpenProc);
  ASSERT_NE(proc, SIZE_MAX);
  EXPECT_EQ(child::PlanView(plan.data()).step(static_cast<std::uint32_t>(proc)).fd, 0);
  EXPECT_EQ(describe_step(plan, proc + 1), "set the AppArmor profile \"profile\"");
  EXPECT_EQ(describe_step(plan, proc + 2), "set the SELinux label \"label\"");
  EXPECT_EQ(position(plan_of({}).value(), child::StepKind::kOpenProc), SIZE_MAX);
  process.labels = labels;
  EXPECT_FALSE(plan_of(labels).ok()) << "it has none of its own";
}

TEST(ChildPlan, MountsInputsOverTheWorkspace) {
  SandboxSpec spec = minimal_spec();
  spec.inputs = {{"workspace/src", 0, InputMount::Mode::kReadOnly, InputMount::Kind::kDirectory},
                 {"workspace/copy", 1, InputMount::Mode::kOverlay, InputMount::Kind::kDirectory},
                 {"workspace/file", 2, InputMount::Mode::kReadOnly, InputMount::Kind::kFile}};
  const auto steps = steps_of(build_child_plan(spec).value());
  const auto at = [&](const std::string& text) {
    const auto found = std::ranges::find_if(
        steps, [&](const std::string& step) { return step.ends_with(" " + text); });
    return found - steps.begin();
  };
  EXPECT_LT(at("workspace"), at("workspace/src"));
  EXPECT_LT(at("o0"), at("workspace/copy"));
  EXPECT_LT(at("workspace/file"), static_cast<std::ptrdiff_t>(steps.size()));
}

TEST(ChildPlan, FailsClosed) {
  SandboxSpec without_filter = minimal_spec();
  without_filter.seccomp = std::make_shared<SeccompProgram>();
  EXPECT_EQ(build_child_plan(without_filter).error().kind, base::ErrorKind::kUnsupported);
  SandboxSpec without_command = minimal_spec();
  without_command.command.argv.clear();
  EXPECT_FALSE(build_child_plan(without_command).ok());
  SandboxSpec relative = minimal_spec();
  relative.command.workdir = "workspace";
  EXPECT_FALSE(build_child_plan(relative).ok());
  SandboxSpec nobody = minimal_spec();
  nobody.user.uid = ~uid_t{0};
  EXPECT_FALSE(build_child_plan(nobody).ok());
  SandboxSpec layers = minimal_spec();
  layers.layers = 5000;
  EXPECT_EQ(build_child_plan(layers).error().kind, base::ErrorKind::kUnsupported);
}

TEST(ChildPlan, NamesWhatAStepWasAbout) {
  const auto plan = build_child_plan(minimal_spec()).value();
  EXPECT_EQ(describe_step(plan, position(plan, child::StepKind::kMountProc)),
            "mount proc on \"/proc\"");
  EXPECT_TRUE(is_step(plan, position(plan, child::StepKind::kExec), child::StepKind::kExec));
  EXPECT_FALSE(is_step(plan, 0, child::StepKind::kExec));
  EXPECT_EQ(describe_step(plan, 100000), "set up the sandbox");
}

}  // namespace
}  // namespace stagebox::sandbox
