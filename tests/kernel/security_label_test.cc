// The machine's security modules around a sandbox, where they are: the virtual machines of
// scripts/test-in-vm have an AppArmor to which root may give a profile, and with --selinux an
// SELinux with a policy for this.
#include <gmock/gmock.h>
#include <linux/mount.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "runtime/base/files.h"
#include "sandbox/kernel/kernel_features.h"
#include "tests/kernel/sandbox_fixture.h"

namespace stagebox::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class AppArmorTest : public SandboxTest {
 protected:
  static constexpr char kParser[] = "/sbin/apparmor_parser";
  static constexpr char kLoaded[] = "/sys/kernel/security/apparmor/profiles";

  void SetUp() override {
    SandboxTest::SetUp();
    if (IsSkipped()) return;
    if (!sandbox::with_security_modules({}).apparmor)
      GTEST_SKIP() << "no AppArmor that is enabled in this kernel";
    if (host_ids_kind() != sandbox::HostIds::Kind::kRoot)
      GTEST_SKIP() << "only root may load a profile";
    if (::access(kLoaded, R_OK) != 0) GTEST_SKIP() << "no securityfs at /sys/kernel/security";
    if (::access(kParser, X_OK) != 0) GTEST_SKIP() << "no apparmor_parser (package apparmor)";
    for (const char* name : {"denied", "open"})
      std::ofstream(dir_.path("layer/etc/") + name) << name << '\n';
    own_by_sandbox_root("layer");
    load();
  }

  void TearDown() override {
    if (is_loaded_) {
      EXPECT_EQ(parser("--remove"), 0);
      EXPECT_THAT(loaded(), Not(HasSubstr(name_)));
    }
    SandboxTest::TearDown();
  }

  static std::string loaded() {
    std::ifstream file(kLoaded);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::string output_of(const std::string& script) {
    const auto result = run(script);
    return result.ok() ? result->output : result.error().message;
  }

  const std::string name_ = "stagebox-test-" + std::to_string(::getpid());

 private:
  // Of no program by itself: it holds for nobody who does not ask for it.
  void load() {
    std::ofstream(file_) << "profile " << name_ << " {\n  file,\n  deny /etc/denied r,\n}\n";
    ASSERT_EQ(parser("--add"), 0) << "apparmor_parser refused the profile";
    is_loaded_ = true;
    ASSERT_THAT(loaded(), HasSubstr(name_ + " (enforce)"));
  }

  [[nodiscard]] int parser(const char* action) const {
    const char* const argv[] = {kParser, action, "--skip-cache", file_.c_str(), nullptr};
    pid_t pid = 0;
    if (::posix_spawn(&pid, kParser, nullptr, nullptr, const_cast<char* const*>(argv), environ) !=
        0)
      return -1;
    int status = 0;
    return ::waitpid(pid, &status, 0) == pid ? status : -1;
  }

  const std::string file_ = dir_.path("profile");
  bool is_loaded_ = false;
};

constexpr char kWhatItSees[] = "cat /proc/self/attr/current /etc/open; cat /etc/denied";

TEST_F(AppArmorTest, AProfileIsInForce) {
  EXPECT_EQ(output_of(kWhatItSees), "unconfined\nopen\ndenied\n");
  spec_.labels.apparmor_profile = name_;
  EXPECT_EQ(output_of(kWhatItSees),
            name_ + " (enforce)\nopen\ncat: can't open '/etc/denied': Permission denied\n");
}

// The order is another one there: what holds the process comes before it is somebody else.
TEST_F(AppArmorTest, AlsoWhereSetIdProgramsCount) {
  spec_.labels.apparmor_profile = name_;
  spec_.set_id_programs = sandbox::SetIdPrograms::kHonoured;
  spec_.user = {1000, 1000, {}};
  const std::string seen = output_of(kWhatItSees);
  EXPECT_THAT(seen, HasSubstr(name_ + " (enforce)\nopen\n"));
  EXPECT_THAT(seen, HasSubstr("/etc/denied': Permission denied"));
}

TEST_F(AppArmorTest, NobodyInsideCanLeaveIt) {
  spec_.labels.apparmor_profile = name_;
  const std::string seen = output_of(
      "for file in current exec apparmor/current apparmor/exec; do"
      "  for word in changeprofile exec; do"
      "    (echo \"$word unconfined\" >/proc/self/attr/$file; cat /etc/denied) 2>&1;"
      "  done;"
      "done; cat /proc/self/attr/current");
  EXPECT_THAT(seen, Not(HasSubstr("denied\n\n")));
  EXPECT_THAT(seen, Not(::testing::ContainsRegex("(^|\n)denied\n")));
  EXPECT_THAT(seen, ::testing::EndsWith(name_ + " (enforce)\n"));
}

TEST_F(AppArmorTest, WhatIsAddedIsHeldAsWell) {
  spec_.labels.apparmor_profile = name_;
  const auto held = HOLD("sleep 1000", Until::kRunning);
  sandbox::ProcessSpec process;
  process.command = {{"sh", "-c", kWhatItSees}, {{"PATH", "/bin"}}, "/"};
  EXPECT_EQ(exec_output(held, process),
            name_ + " (enforce)\nopen\ncat: can't open '/etc/denied': Permission denied\n");
}

TEST_F(AppArmorTest, OneThatIsNotLoadedIsNamedAndNothingStarts) {
  ASSERT_EQ(::mkdirat(dir_.fd(), "bound", 0777), 0);
  ASSERT_EQ(::chmod(dir_.path("bound").c_str(), 0777), 0);
  bind_dirs_ = {dir_.path("bound")};
  spec_.mounts.push_back({sandbox::Mount::Type::kBind, "mnt", 0});
  spec_.labels.apparmor_profile = "stagebox-test-not-loaded";
  const std::string script = "echo >/mnt/started";
  const auto refused = run(script);
  ASSERT_FALSE(refused.ok()) << refused->output;
  EXPECT_EQ(refused.error().kind, base::ErrorKind::kUnsupported);
  EXPECT_THAT(refused.error().message, HasSubstr("AppArmor profile \"stagebox-test-not-loaded\""));
  EXPECT_THAT(refused.error().message, HasSubstr("not loaded"));
  EXPECT_FALSE(std::filesystem::exists(dir_.path("bound/started")));

  ASSERT_TRUE(base::remove_tree_at(dir_.fd(), "scratch").ok());
  spec_.labels = {};
  EXPECT_EQ(output_of(script), "");
  EXPECT_TRUE(std::filesystem::exists(dir_.path("bound/started"))) << "it would have been seen";
}

// A policy that replaces a machine's own is loaded by whoever made the machine for this
// (test-in-vm --selinux), and never here. It allows the label everything but to write to files.
class SelinuxTest : public SandboxTest {
 protected:
  void SetUp() override {
    SandboxTest::SetUp();
    if (std::getenv("STAGEBOX_TEST_SELINUX") == nullptr)
      GTEST_SKIP() << "the policy of tests/kernel/selinux_policy.cil is not loaded";
    ASSERT_TRUE(sandbox::with_security_modules({}).selinux);
  }

  static constexpr char kLabel[] = "u:r:stagebox_test_t";
  static constexpr char kWhatItSees[] =
      "cat /proc/self/attr/current | tr '\\0' '\\n'; echo >file && echo written";
};

TEST_F(SelinuxTest, ALabelIsInForce) {
  const auto free = run(kWhatItSees);
  ASSERT_TRUE(free.ok()) << free.error().message;
  EXPECT_EQ(free->output, "u:r:all_t\nwritten\n");
  spec_.labels.selinux_label = kLabel;
  const auto held = run(kWhatItSees);
  ASSERT_TRUE(held.ok()) << held.error().message;
  EXPECT_EQ(held->output, std::string(kLabel) + "\nsh: can't create file: Permission denied\n");
}

// The kernel shows it as an option of the mount.
TEST_F(SelinuxTest, AMountLabelIsThatOfAllNewFileSystems) {
  const std::string script = "grep context= /proc/self/mountinfo | cut -d' ' -f5 | tr '\\n' ' '";
  const auto without = run(script);
  ASSERT_TRUE(without.ok()) << without.error().message;
  EXPECT_EQ(without->output, "");
  spec_.mount_label = "u:object_r:stagebox_files_t";
  const auto with = run(script);
  ASSERT_TRUE(with.ok()) << with.error().message;
  for (const char* place : {"/ ", "/dev ", "/dev/pts ", "/dev/shm "})
    EXPECT_THAT(with->output, HasSubstr(place));
  const auto shown = run("grep -c 'context=u:object_r:stagebox_files_t' /proc/self/mountinfo");
  ASSERT_TRUE(shown.ok()) << shown.error().message;
  EXPECT_NE(shown->output, "0\n");
}

TEST_F(SelinuxTest, AMountLabelThatThePolicyLacksIsRefused) {
  spec_.mount_label = "u:object_r:no_such_t";
  EXPECT_FALSE(run("true").ok());
}

class NoSelinuxTest : public SandboxTest {};

TEST_F(NoSelinuxTest, AMountLabelIsRefused) {
  if (sandbox::with_security_modules({}).selinux) GTEST_SKIP() << "this machine has SELinux";
  spec_.mount_label = "system_u:object_r:container_file_t:s0:c1,c2";
  const auto refused = run("true");
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr("has no SELinux that is enabled"));
}

TEST_F(SelinuxTest, WhatIsAddedIsHeldAsWell) {
  spec_.labels.selinux_label = kLabel;
  const auto held = HOLD("sleep 1000", Until::kRunning);
  sandbox::ProcessSpec process;
  process.command = {{"sh", "-c", kWhatItSees}, {{"PATH", "/bin"}}, "/workspace"};
  EXPECT_EQ(exec_output(held, process),
            std::string(kLabel) + "\nsh: can't create file: Permission denied\n");
}

TEST_F(SelinuxTest, OneThatThePolicyLacksIsNamed) {
  spec_.labels.selinux_label = "u:r:no_such_t";
  const auto refused = run("true");
  ASSERT_FALSE(refused.ok()) << refused->output;
  EXPECT_EQ(refused.error().kind, base::ErrorKind::kUnsupported);
  EXPECT_THAT(refused.error().message, HasSubstr("SELinux label \"u:r:no_such_t\""));
  EXPECT_THAT(refused.error().message, HasSubstr("not loaded"));
}

}  // namespace
}  // namespace stagebox::testing
