// What the dead left is undone, and nothing else: against notes and directories that are not what
// they should be.
#include "runtime/run/engine/recovery.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "runtime/base/files.h"
#include "runtime/run/engine/unfinished_artifact.h"
#include "runtime/store/instance_lock.h"
#include "tests/support/temp_dir.h"

namespace stagebox::run {
namespace {

namespace fs = std::filesystem;
using stagebox::testing::TempDir;
using store::Home;
using store::InstanceLock;

class RecoveryTest : public ::testing::Test {
 protected:
  RecoveryTest()
      : home_(std::move(
            *Home::open({[this](std::string_view) { return std::optional(dir_.path("home")); },
                         ::geteuid()}))) {
    fs::create_directory(dir_.path("user"));
  }

  // Its lock is free from then on.
  std::string leave_a_dead_one(const std::string& note) {
    const auto lock = InstanceLock::create(home_);
    EXPECT_TRUE(lock.ok() && lock->add_to_note(note).ok());
    return lock->id();
  }
  // How many dead ones there were; -1 for an Error.
  int recover() {
    const auto runs = [this]() -> base::Result<const store::RunStore*> {
      if (!runs_) runs_ = TRY(store::RunStore::open(home_.run_database()));
      return &*runs_;
    };
    const auto recovered = recover_dead_instances(home_, runs);
    if (!recovered.ok()) error_ = recovered.error().message;
    return recovered.ok() ? static_cast<int>(*recovered) : -1;
  }
  [[nodiscard]] std::size_t instances() const {
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator(dir_.path("home/instances")))
      count += entry.path().filename() != ".lock" ? 1U : 0U;
    return count;
  }
  [[nodiscard]] bool there(const std::string& name) const {
    return fs::exists(fs::symlink_status(dir_.path(name)));
  }
  [[nodiscard]] static FileId id_of(const std::string& path) {
    struct stat status{};
    EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
    return {status.st_dev, status.st_ino};
  }
  // Of something in user/, which has that name already if `made`.
  [[nodiscard]] std::string note_of(const std::string& name, bool made) const {
    const UnfinishedArtifact artifact{name, dir_.path("user"), id_of(dir_.path("user")), {}};
    std::string note = encode_artifact(artifact);
    if (made) note += encode_made(name, id_of(dir_.path("user/" + name)));
    return note;
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(dir_.path(name)) << text;
  }

  TempDir dir_;
  Home home_;
  std::optional<store::RunStore> runs_;
  std::string error_;
};

constexpr const char* kName = ".stagebox-00112233aabb.part";

TEST_F(RecoveryTest, OfNobodyDoesNothing) {
  EXPECT_EQ(recover(), 0) << error_;
  EXPECT_EQ(instances(), 0U);
}

TEST_F(RecoveryTest, WhoLivesIsLeftAlone) {
  const auto alive = InstanceLock::create(home_);
  ASSERT_TRUE(alive.ok());
  fs::create_directories(dir_.path("home/sandboxes/" + alive->id() + "/s0"));
  fs::create_directories(dir_.path("user/" + std::string(kName)));
  ASSERT_TRUE(alive->add_to_note(note_of(kName, true)).ok());
  EXPECT_EQ(recover(), 0) << error_;
  EXPECT_TRUE(there("home/sandboxes/" + alive->id() + "/s0"));
  EXPECT_TRUE(there("user/" + std::string(kName)));
}

TEST_F(RecoveryTest, ScratchDirectoriesGoWithTheirInstancesAndWithoutThem) {
  const std::string id = leave_a_dead_one("");
  fs::create_directories(dir_.path("home/sandboxes/" + id + "/s0/upper/x"));
  fs::create_directories(dir_.path("home/sandboxes/forgotten00/s0"));
  fs::create_directory_symlink(dir_.path("user"), dir_.path("home/sandboxes/" + id + "/link"));
  fs::create_directory_symlink(dir_.path("user"), dir_.path("home/sandboxes/linked000000"));
  write("user/mine", "x");
  EXPECT_EQ(recover(), 1) << error_;
  EXPECT_TRUE(fs::is_empty(dir_.path("home/sandboxes")));
  EXPECT_TRUE(there("user/mine")) << "through a link";
  EXPECT_EQ(instances(), 0U);
}

TEST_F(RecoveryTest, GarbageInANoteKeepsNobodyFromTheRest) {
  std::string garbage;
  for (int byte = 0; byte < 256; ++byte) garbage += static_cast<char>(byte);
  // More than is read.
  garbage += std::string(std::size_t{3} << 20U, 'x') + "\n";
  fs::create_directory(dir_.path("user/" + std::string(kName)));
  const std::string id = leave_a_dead_one(note_of(kName, true) + garbage);
  leave_a_dead_one(garbage);
  leave_a_dead_one("cgroup ");
  fs::create_directories(dir_.path("home/sandboxes/" + id));
  EXPECT_EQ(recover(), 3) << error_;
  EXPECT_EQ(instances(), 0U);
  EXPECT_TRUE(fs::is_empty(dir_.path("home/sandboxes")));
  EXPECT_FALSE(there("user/" + std::string(kName)));
}

// A directory that calls itself as our cgroup does is still none.
TEST_F(RecoveryTest, WhatIsNoCgroupIsNoneOfOurs) {
  auto dies = InstanceLock::create(home_);
  ASSERT_TRUE(dies.ok());
  const std::string name = "stagebox-" + dies->id();
  const std::string mine = "user/" + name;
  fs::create_directories(dir_.path(mine + "/below"));
  fs::create_directories(dir_.path("linked"));
  fs::create_directory_symlink(dir_.path(mine), dir_.path("linked/" + name));
  // It names a process that nobody wants to be killed.
  for (const char* where : {"", "/below"})
    write(mine + where + "/cgroup.procs", std::to_string(::getpid()) + "\n");
  const std::vector<std::string> noted{dir_.path(mine), dir_.path("linked/" + name),
                                       "/sys/fs/cgroup/not/there/" + name};
  ASSERT_TRUE(dies->add_to_note(encode_cgroups(noted)).ok());
  {
    const InstanceLock dead = std::move(*dies);
  }
  EXPECT_EQ(recover(), 1) << error_;
  EXPECT_TRUE(there(mine + "/below/cgroup.procs"));
  EXPECT_EQ(instances(), 0U);
}

// Nor is a file that somebody put there an instance.
TEST_F(RecoveryTest, WhatIsNoInstanceIsNoneOfOurs) {
  ASSERT_EQ(recover(), 0) << error_;
  for (const char* name : {"README", "0123456789ABCDEF", "0123456789ag"})
    write("home/instances/" + std::string(name), "cgroup /x\n");
  fs::create_directory_symlink(dir_.path("user"), dir_.path("home/instances/0123456789ab"));
  EXPECT_EQ(recover(), 0) << error_;
  EXPECT_EQ(instances(), 4U);
}

TEST_F(RecoveryTest, AFileIsReplacedAtOnce) {
  const base::UniqueFd user(::open(dir_.path("user").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (const char* content : {"first", "second"}) {
    ASSERT_TRUE(replace_noted_file(home_, user.get(), "page", content, 0644).ok());
    EXPECT_EQ(base::read_file_at(user.get(), "page", 100).value(), content);
  }
  EXPECT_EQ(base::list_dir(user.get())->size(), 1U);
  EXPECT_EQ(instances(), 0U);
}

// The kernel kills who writes more than its limit.
TEST_F(RecoveryTest, AFileThatWasNotCompleteGoesAndTheEarlierStays) {
  const base::UniqueFd user(::open(dir_.path("user").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  write("user/page", "earlier");
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit limit{10'000, 10'000};
    (void)::signal(SIGXFSZ, SIG_DFL);
    (void)::setrlimit(RLIMIT_FSIZE, &limit);
    (void)replace_noted_file(home_, user.get(), "page", std::string(20'000, 'x'), 0644);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
  EXPECT_EQ(base::list_dir(user.get())->size(), 2U) << "something is left";
  EXPECT_EQ(recover(), 1) << error_;
  EXPECT_EQ(base::list_dir(user.get())->size(), 1U);
  EXPECT_EQ(base::read_file_at(user.get(), "page", 100).value(), "earlier");
}

TEST_F(RecoveryTest, UnfinishedArtifactsGo) {
  fs::create_directories(dir_.path("user/" + std::string(kName) + "/deep/er"));
  write("user/" + std::string(kName) + "/deep/file", "half");
  leave_a_dead_one(note_of(kName, true));
  const std::string file = ".stagebox-00112233aacc.part";
  write("user/" + file, "half");
  leave_a_dead_one(note_of(file, true));
  // Killed before it could be noted.
  const std::string empty_file = ".stagebox-00112233aadd.part";
  const std::string empty_dir = ".stagebox-00112233aaee.part";
  write("user/" + empty_file, "");
  fs::create_directory(dir_.path("user/" + empty_dir));
  leave_a_dead_one(note_of(empty_file, false) + note_of(empty_dir, false));
  // Or before it was made.
  leave_a_dead_one(note_of(".stagebox-00112233aaff.part", false));
  write("user/mine", "x");
  EXPECT_EQ(recover(), 4) << error_;
  EXPECT_EQ(instances(), 0U);
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_.path("user")), {}), 1);
  EXPECT_TRUE(there("user/mine"));
}

TEST_F(RecoveryTest, WhatSomebodyElseMadeStays) {
  // Another one of that name, whatever it is.
  const std::string replaced = ".stagebox-00112233aacc.part";
  fs::create_directory(dir_.path("user/" + replaced));
  const std::string note = note_of(replaced, true);
  fs::create_directory(dir_.path("user/keeps the inode"));
  fs::rename(dir_.path("user/" + replaced), dir_.path("user/renamed"));
  fs::create_directory(dir_.path("user/" + replaced));
  leave_a_dead_one(note);
  // In the instant that nobody noted.
  const std::string filled_file = ".stagebox-00112233aadd.part";
  const std::string filled_dir = ".stagebox-00112233aaee.part";
  const std::string linked = ".stagebox-00112233aaff.part";
  write("user/" + filled_file, "x");
  fs::create_directories(dir_.path("user/" + filled_dir + "/below"));
  fs::create_symlink("keeps the inode", dir_.path("user/" + linked));
  leave_a_dead_one(note_of(filled_file, false) + note_of(filled_dir, false) +
                   note_of(linked, false));
  EXPECT_EQ(recover(), 2) << error_;
  EXPECT_EQ(instances(), 0U);
  for (const std::string& name : {replaced, std::string("renamed"), filled_file,
                                  filled_dir + "/below", linked, std::string("keeps the inode")})
    EXPECT_TRUE(there("user/" + name)) << name;
}

// The same name in another directory, and the same directory by way of a link.
TEST_F(RecoveryTest, OnlyInTheDirectoryThatItWas) {
  const std::string name = kName;
  fs::create_directory(dir_.path("user/" + name));
  const std::string note = note_of(kName, true);
  fs::rename(dir_.path("user"), dir_.path("moved"));
  fs::create_directories(dir_.path("user/" + name));
  leave_a_dead_one(note);
  EXPECT_EQ(recover(), 1) << error_;
  EXPECT_TRUE(there("user/" + name));
  EXPECT_TRUE(there("moved/" + name)) << "it is not found, and nobody searches for it";
  fs::remove_all(dir_.path("user"));
  fs::create_directory_symlink("moved", dir_.path("user"));
  leave_a_dead_one(note);
  EXPECT_EQ(recover(), 1) << error_;
  EXPECT_TRUE(there("moved/" + name));
  EXPECT_EQ(instances(), 0U);
}

// Root may remove everything.
class AsNobody {
 protected:
  AsNobody() { EXPECT_TRUE(!is_root_ || (::setegid(65534) == 0 && ::seteuid(65534) == 0)); }
  ~AsNobody() { EXPECT_TRUE(!is_root_ || (::seteuid(0) == 0 && ::setegid(0) == 0)); }

 private:
  bool is_root_ = ::geteuid() == 0;
};
class RecoveryOfAUserTest : private AsNobody, public RecoveryTest {};

TEST_F(RecoveryOfAUserTest, WhatCannotBeRemovedNowIsTriedAgain) {
  fs::create_directory(dir_.path("user/" + std::string(kName)));
  leave_a_dead_one(note_of(kName, true));
  leave_a_dead_one("");
  fs::permissions(dir_.path("user"), fs::perms::owner_read | fs::perms::owner_exec);
  EXPECT_EQ(recover(), 2) << error_;
  EXPECT_EQ(instances(), 1U);
  fs::permissions(dir_.path("user"), fs::perms::owner_all);
  EXPECT_EQ(recover(), 1) << error_;
  EXPECT_EQ(instances(), 0U);
  EXPECT_FALSE(there("user/" + std::string(kName)));
}

}  // namespace
}  // namespace stagebox::run
