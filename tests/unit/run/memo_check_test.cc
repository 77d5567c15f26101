#include "runtime/run/memo/memo_check.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>

#include "runtime/base/files.h"
#include "runtime/run/memo/input_witness.h"
#include "runtime/run/memo/memo_machine.h"
#include "runtime/run/memo/memo_store.h"
#include "runtime/store/content/stored_files.h"
#include "runtime/store/content/verified_blobs.h"
#include "tests/support/temp_dir.h"

namespace stagebox::run {
namespace {

using Root = MemoPlace::Root;
using stagebox::testing::TempDir;

class MemoCheckTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* dir : {"tree", "tree/sub", "above", "above/in"})
      ASSERT_TRUE(base::make_dir_at(project_.fd(), dir, 0755).ok());
    for (const char* file : {"stagebox.yaml", "input", "tree/a", "tree/sub/b", "above/in/c"})
      write(project_, file, "content");
    ASSERT_EQ(::symlinkat("input", project_.fd(), "link"), 0);
    for (const char* dir : {"ac", "cas", "cas/blobs", "cas/blobs/6b"})
      ASSERT_TRUE(base::make_dir_at(home_.fd(), dir, 0700).ok());
    write(home_, "ac/record", "record");
    blob_ = base::Sha256::of("1");
    write(home_, blob_path(), "1");
    memo_ = make();
  }

  [[nodiscard]] std::string blob_path() const {
    return store::stored_file_path(blob_, store::Executable::kNo);
  }

  static void write(const TempDir& dir, const std::string& path, std::string_view content) {
    const base::UniqueFd fd(
        ::openat(dir.fd(), path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    ASSERT_TRUE(base::write_all(fd.get(), content).ok()) << path;
  }

  static store::EntryStamp stamp_of(const TempDir& dir, const std::string& path) {
    return store::EntryStamp::of(*base::stat_at(dir.fd(), path));
  }

  /// As a run makes it that looks at all this now.
  [[nodiscard]] RunMemo make() const {
    RunMemo memo;
    memo.question = "question";
    memo.boot = *store::boot_id();
    memo.clock = MemoClock::now();
    memo.machine = machine_text();
    memo.project = {Root::kHost, project_.path("."), stamp_of(project_, ".")};
    InputWitness witness;
    witness.look(Root::kHost, project_.path("stagebox.yaml"), project_.fd());
    witness.look(Root::kHost, project_.path("nothing"), project_.fd());
    witness.look(Root::kProject, "link", project_.fd());
    witness.look(Root::kProjectNoLink, "above/.gitignore", project_.fd());
    memo.places = witness.take_places();
    memo.walks = {
        {"tree",
         {{".", stamp_of(project_, "tree"), {{"a", stamp_of(project_, "tree/a")}}},
          {"sub", stamp_of(project_, "tree/sub"), {{"b", stamp_of(project_, "tree/sub/b")}}}}}};
    memo.state_files = {{"ac/record", stamp_of(home_, "ac/record")}};
    memo.blobs = {{blob_, store::Executable::kNo, stamp_of(home_, blob_path())}};
    return memo;
  }

  [[nodiscard]] bool holds(const RunMemo& memo) const {
    return still_holds(memo, "question", MemoClock::now(), home_.fd());
  }
  void expect_seen(const char* what, const std::function<void()>& change) {
    const RunMemo before = make();
    ASSERT_TRUE(holds(before)) << what;
    change();
    EXPECT_FALSE(holds(before)) << what;
    EXPECT_TRUE(holds(make())) << what;
  }

  TempDir project_;
  TempDir home_;
  base::Digest blob_;
  RunMemo memo_;
};

TEST_F(MemoCheckTest, HoldsWhileNothingChanges) { EXPECT_TRUE(holds(memo_)); }

TEST_F(MemoCheckTest, SeesWhatChanges) {
  expect_seen("the pipeline file", [&] { write(project_, "stagebox.yaml", "CONTENT"); });
  expect_seen("a file that was not there", [&] { write(project_, "nothing", ""); });
  expect_seen("a file that was there",
              [&] { ASSERT_EQ(::unlinkat(project_.fd(), "nothing", 0), 0); });
  expect_seen("what a link leads to", [&] { write(project_, "input", "other"); });
  expect_seen("where a link leads", [&] {
    ASSERT_EQ(::unlinkat(project_.fd(), "link", 0), 0);
    ASSERT_EQ(::symlinkat("tree/a", project_.fd(), "link"), 0);
  });
  expect_seen("a new .gitignore", [&] { write(project_, "above/.gitignore", "x"); });
  expect_seen("a walked file", [&] { write(project_, "tree/sub/b", "CONTENT"); });
  expect_seen("a new file", [&] { write(project_, "tree/sub/new", ""); });
  expect_seen("another record", [&] { write(home_, "ac/record", "RECORD"); });
  expect_seen("a damaged blob", [&] { write(home_, blob_path(), "2"); });
}

TEST_F(MemoCheckTest, SeesWhatIsGone) {
  ASSERT_EQ(::unlinkat(home_.fd(), "ac/record", 0), 0);
  EXPECT_FALSE(holds(memo_));
  write(home_, "ac/record", "record");
  EXPECT_FALSE(holds(memo_)) << "another file with the same content";
  const RunMemo whole = make();
  ASSERT_EQ(::unlinkat(home_.fd(), blob_path().c_str(), 0), 0);
  EXPECT_FALSE(holds(whole));
}

TEST_F(MemoCheckTest, ADirectoryIsTheVeryDirectory) {
  RunMemo elsewhere = memo_;
  elsewhere.project.stamp->inode += 1;
  EXPECT_FALSE(holds(elsewhere));
  elsewhere.project.stamp.reset();
  EXPECT_FALSE(holds(elsewhere));
  write(project_, "not-looked-at", "x");
  EXPECT_TRUE(holds(memo_)) << "but what else is in it does not matter";
}

TEST_F(MemoCheckTest, AnotherQuestionBootOrMachineIsAnother) {
  EXPECT_FALSE(still_holds(memo_, "another", MemoClock::now(), home_.fd()));
  RunMemo memo = memo_;
  memo.boot = "another";
  EXPECT_FALSE(holds(memo));
  memo = memo_;
  memo.machine += "0";
  EXPECT_FALSE(holds(memo));
  memo.machine.clear();
  EXPECT_TRUE(holds(memo)) << "no stage asked for any of it";
}

TEST_F(MemoCheckTest, HoldsForMinutes) {
  const MemoClock then = memo_.clock;
  const auto holds_after = [&](std::int64_t age, std::int64_t set = 0) {
    return still_holds(memo_, "question", {then.time + age, then.offset + set}, home_.fd());
  };
  EXPECT_TRUE(holds_after(kLongestMemo - 1));
  EXPECT_FALSE(holds_after(kLongestMemo));
  EXPECT_FALSE(holds_after(-1)) << "made in a time to come";
  EXPECT_FALSE(holds_after(1, 1'000'000'000)) << "somebody set the time";
}

TEST_F(MemoCheckTest, IsFoundByItsQuestion) {
  const auto home = store::Home::open({[this](std::string_view name) {
                                         return name == "STAGEBOX_HOME"
                                                    ? std::optional(home_.path("."))
                                                    : std::nullopt;
                                       },
                                       ::geteuid()});
  ASSERT_TRUE(home.ok()) << home.error().message;
  EXPECT_FALSE(load_memo(home->fd(), "question"));
  ASSERT_TRUE(save_memo(*home, memo_).ok());
  EXPECT_EQ(load_memo(home->fd(), "question"), memo_);
  EXPECT_FALSE(load_memo(home->fd(), "another"));
  const std::string file = "memos/" + base::Sha256::of("question").hex();
  ASSERT_EQ(::renameat(home->fd(), file.c_str(), home->fd(),
                       ("memos/" + base::Sha256::of("another").hex()).c_str()),
            0);
  EXPECT_FALSE(load_memo(home->fd(), "another")) << "it is of another question";
  ASSERT_TRUE(save_memo(*home, memo_).ok());
  const struct timespec old[2] = {{1000, 0}, {1000, 0}};
  ASSERT_EQ(::utimensat(home->fd(), file.c_str(), old, 0), 0);
  ASSERT_TRUE(remove_old_memos(*home).ok());
  EXPECT_FALSE(load_memo(home->fd(), "question"));
  EXPECT_EQ(base::list_dir(home->subdirectory("memos")->get())->size(), 1U)
      << "the young one stays";
}

}  // namespace
}  // namespace stagebox::run
