#include "sandbox/cgroup/cgroup_v2_place.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/base/files.h"
#include "tests/support/temp_dir.h"

namespace stagebox::sandbox {
namespace {

// Directories with the files that a v2 hierarchy has.
class CgroupV2Place : public ::testing::Test {
 protected:
  // `pids` are its own members, not those of the cgroups below it.
  void make(const std::string& path, const std::string& controllers, const std::string& pids) {
    if (!path.empty()) {
      ASSERT_TRUE(base::make_dir_at(dir_.fd(), path, 0755).ok());
    }
    write(path, "cgroup.controllers", controllers + "\n");
    write(path, "cgroup.procs", pids);
    write(path, "cgroup.subtree_control", "");
    if (!path.empty()) write(path, "cgroup.type", "domain\n");
  }
  std::optional<CgroupPlace> find(const std::string& own) {
    return find_v2_place(dir_.path(own), dir_.path()).value();
  }
  [[nodiscard]] std::string at(const std::string& path) const {
    return path.empty() ? dir_.path() : dir_.path(path);
  }

  static constexpr char kAll[] = "cpuset cpu io memory pids";
  const std::string us_ = std::to_string(::getpid()) + "\n";
  const std::string stranger_ = std::to_string(::getppid()) + "\n";

 private:
  void write(const std::string& path, const std::string& name, const std::string& text) {
    const std::string file = path.empty() ? name : path + "/" + name;
    ASSERT_TRUE(base::replace_file_at(dir_.fd(), file, text, 0644).ok());
  }
  testing::TempDir dir_;
};

TEST_F(CgroupV2Place, OursAloneWillDo) {
  make("", kAll, stranger_);
  make("scope", "memory pids", us_);
  const auto place = find("scope");
  ASSERT_TRUE(place);
  EXPECT_EQ(place->dir, at("scope"));
  EXPECT_FALSE(place->has(Controller::kCpu));
  EXPECT_TRUE(place->has(Controller::kMemory));
}

// As in a leaf that somebody made for us, because the one above hands controllers down.
TEST_F(CgroupV2Place, OursAloneWithoutAControllerIsPassedOver) {
  make("", kAll, stranger_);
  make("delegated", kAll, "");
  make("delegated/leaf", "", us_);
  const auto place = find("delegated/leaf");
  ASSERT_TRUE(place);
  EXPECT_EQ(place->dir, at("delegated"));
}

// As root in a shell under systemd.
TEST_F(CgroupV2Place, BesideOthersTheFreeOneAboveWithTheMostControllersIsTaken) {
  make("", kAll, "");
  make("user.slice", kAll, "");
  make("user.slice/user-0.slice", "memory pids", "");
  make("user.slice/user-0.slice/session-1.scope", "memory pids", us_ + stranger_);
  const auto place = find("user.slice/user-0.slice/session-1.scope");
  ASSERT_TRUE(place);
  EXPECT_EQ(place->dir, at("user.slice"));
}

TEST_F(CgroupV2Place, OneWithProcessesIsPassedOver) {
  make("", kAll, stranger_);
  make("a", kAll, stranger_);
  make("a/b", kAll, us_ + stranger_);
  const auto place = find("a/b");
  ASSERT_TRUE(place);
  EXPECT_EQ(place->dir, at("")) << "the machine's root may have processes";
}

TEST_F(CgroupV2Place, TheRootWillDoWhoeverIsInIt) {
  make("", kAll, us_ + stranger_);
  const auto place = find_v2_place(at(""), at("")).value();
  ASSERT_TRUE(place);
  EXPECT_EQ(place->dir, at(""));
}

// As in a container whose first process is a shell: what is mounted there is not the real root.
TEST_F(CgroupV2Place, TheRootOfAContainerIsNone) {
  make("container", kAll, us_ + stranger_);
  EXPECT_FALSE(find_v2_place(at("container"), at("container")).value());
}

// Else limits would not be enforced for want of a descriptor, say.
TEST_F(CgroupV2Place, AListThatCannotBeReadIsNotEmpty) {
  make("a", kAll, us_);
  ASSERT_EQ(::unlink((at("a") + "/cgroup.controllers").c_str()), 0);
  EXPECT_TRUE(find("a")->controllers.empty());
  ASSERT_EQ(::mkdir((at("a") + "/cgroup.controllers").c_str(), 0755), 0);
  const auto place = find_v2_place(at("a"), at(""));
  ASSERT_FALSE(place.ok());
  EXPECT_EQ(place.error().errno_value, EISDIR) << place.error().message;
}

TEST_F(CgroupV2Place, WhatCannotBeWrittenToIsNone) {
  make("", kAll, "");
  make("a", kAll, us_ + stranger_);
  ASSERT_EQ(::unlink((at("") + "/cgroup.subtree_control").c_str()), 0);
  EXPECT_FALSE(find("a"));
}

}  // namespace
}  // namespace stagebox::sandbox
