// What a stage's sandbox may do, written out: a change of this text is a change of what untrusted
// code gets.
#include "runtime/run/stage/stage_spec.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <sstream>
#include <string>

#include "sandbox/spec/seccomp_program.h"

namespace stagebox::run {
namespace {

using sandbox::InputMount;

void write_mounts(std::ostream& out, const StageSpec& spec) {
  for (const InputMount& mount : spec.sandbox.inputs) {
    out << "mount " << mount.target << " input " << spec.mounted.at(mount.source) << ' '
        << (mount.mode == InputMount::Mode::kOverlay ? "overlay" : "ro") << ' '
        << (mount.kind == InputMount::Kind::kFile ? "file" : "directory") << '\n';
  }
}

std::string golden(const StageSpec& spec) {
  const sandbox::SandboxSpec& box = spec.sandbox;
  std::ostringstream out;
  for (const std::string& argument : box.command.argv) out << "arg " << argument << '\n';
  for (const auto& [name, value] : box.command.environment)
    out << "env " << name << '=' << value << '\n';
  out << "workdir " << box.command.workdir << "\nuser " << box.user.uid << ':' << box.user.gid;
  for (const gid_t group : box.user.groups) out << " +" << group;
  out << "\nhostname " << box.hostname << "\nworkspace " << box.workspace << '\n';
  write_mounts(out, spec);
  for (const sandbox::Rlimit& limit : box.rlimits)
    out << "rlimit " << limit.resource << '=' << limit.soft << ':' << limit.hard << '\n';
  out << "capabilities " << (box.capabilities.none() ? "none" : "some") << "\nset-id programs "
      << (box.set_id_programs == sandbox::SetIdPrograms::kPowerless ? "powerless" : "honoured")
      << "\nseccomp " << (box.seccomp == nullptr ? "none" : "yes") << '\n';
  return out.str();
}

ResolvedInput input(const std::string& at, store::OutputKind kind, scheduler::InputMode mode) {
  ResolvedInput result;
  result.input.at = base::RelativePath::parse(at).value();
  result.input.mode = mode;
  result.content.kind = kind;
  return result;
}

StageSpec spec_of(const scheduler::Stage& stage, const std::vector<ResolvedInput>& inputs) {
  const StageCommand command{{"make", "-j2"}, {{"CI", "true"}, {"PATH", "/bin"}}, "/workspace/src"};
  const ResolvedUser user{{1000, 100, {5, 6}}, "/home/u"};
  return make_sandbox_spec(stage, command, user, inputs, {{4, 1, 1}},
                           std::make_shared<const sandbox::SeccompProgram>());
}

// 1 and not 0: no limit but this one keeps a core from a handler of the host.
TEST(StageSpec, NoCoresNotEvenThroughAPipe) {
  struct rlimit own{};
  ASSERT_EQ(::getrlimit(RLIMIT_CORE, &own), 0);
  if (own.rlim_max == 0) GTEST_SKIP() << "this process has a hard limit of 0 itself";
  const auto limits = default_rlimits();
  ASSERT_FALSE(limits.empty());
  EXPECT_EQ(limits[0].resource, RLIMIT_CORE);
  EXPECT_EQ(limits[0].soft, 1U);
  EXPECT_EQ(limits[0].hard, 1U);
}

TEST(StageSpec, APartOfWhatTheKernelCountsForAUser) {
  const auto limits = default_rlimits();
  for (const int resource : {RLIMIT_SIGPENDING, RLIMIT_MSGQUEUE}) {
    const auto found = std::ranges::find(limits, resource, &sandbox::Rlimit::resource);
    ASSERT_NE(found, limits.end());
    struct rlimit own{};
    ASSERT_EQ(::getrlimit(static_cast<__rlimit_resource_t>(resource), &own), 0);
    EXPECT_EQ(found->soft, found->hard);
    EXPECT_LE(found->hard, own.rlim_max);
    EXPECT_GT(found->hard, 0U);
  }
}

TEST(StageSpec, Golden) {
  using enum store::OutputKind;
  using enum scheduler::InputMode;
  const StageSpec spec =
      spec_of({}, {input("a/tree", kDirectory, kReadOnly), input("copied", kFile, kOverlay),
                   input("file", kFile, kReadOnly), input("view", kDirectory, kOverlay)});
  EXPECT_EQ(golden(spec),
            "arg make\narg -j2\n"
            "env CI=true\nenv PATH=/bin\n"
            "workdir /workspace/src\nuser 1000:100 +5 +6\n"
            "hostname stagebox\nworkspace workspace\n"
            "mount workspace/a/tree input 0 ro directory\n"
            "mount workspace/file input 2 ro file\n"
            "mount workspace/view input 3 overlay directory\n"
            "rlimit 4=1:1\n"
            "capabilities none\nset-id programs powerless\nseccomp yes\n");
}

TEST(StageSpec, CapabilitiesAreTheStages) {
  scheduler::Stage stage;
  stage.capabilities = 0x81;
  const sandbox::CapabilitySets sets = spec_of(stage, {}).sandbox.capabilities;
  EXPECT_EQ(sets.bounding, 0x81U);
  EXPECT_EQ(sets.permitted, 0x81U);
  EXPECT_EQ(sets.effective, 0x81U);
  EXPECT_EQ(sets.inheritable | sets.ambient, 0U);
}

TEST(StageSpec, LimitsAreTheStages) {
  scheduler::Stage stage;
  stage.resources.cpus = 1.5;
  stage.resources.memory = 1U << 20U;
  stage.resources.pids = 7;
  stage.resources.disk = 2U << 20U;
  const StageSpec spec = spec_of(stage, {});
  EXPECT_EQ(spec.sandbox.limits.cpus, 1.5);
  EXPECT_EQ(spec.sandbox.limits.memory, 1U << 20U);
  EXPECT_EQ(spec.sandbox.limits.pids, 7U);
  EXPECT_EQ(spec.sandbox.limits.disk, 2U << 20U);
}

}  // namespace
}  // namespace stagebox::run
