// A note is read as if anybody could have written it.
#include "runtime/run/engine/intent.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace stagebox::run {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kId = "0123456789ab";
constexpr const char* kCgroup = "/sys/fs/cgroup/user.slice/stagebox-0123456789ab";
constexpr const char* kName = ".stagebox-00112233aabb.part";

UnfinishedArtifact artifact() { return {kName, "/home/u/a b\nc", {2049, 77}, std::nullopt}; }

TEST(Intent, IsWhatWasWritten) {
  const std::string note = encode_cgroups({kCgroup, "/x/stagebox-0123456789ab"}) +
                           encode_artifact(artifact()) + encode_made(kName, {2049, 99});
  const Intent intent = decode_intent(note, kId);
  EXPECT_THAT(intent.cgroups, ElementsAre(kCgroup, "/x/stagebox-0123456789ab"));
  ASSERT_EQ(intent.artifacts.size(), 1U);
  EXPECT_EQ(intent.artifacts[0].name, kName);
  EXPECT_EQ(intent.artifacts[0].directory, "/home/u/a b\nc");
  EXPECT_EQ(intent.artifacts[0].directory_id, (FileId{2049, 77}));
  EXPECT_EQ(intent.artifacts[0].id, (FileId{2049, 99}));
  EXPECT_FALSE(decode_intent(encode_artifact(artifact()), kId).artifacts.at(0).id);
}

TEST(Intent, SaysInWhichNamespaceItsProcessHasItsNumber) {
  const std::string note = encode_pid_namespace({4, 4026531836}) + encode_cgroups({kCgroup});
  EXPECT_EQ(decode_intent(note, kId).pid_namespace, (FileId{4, 4026531836}));
  EXPECT_THAT(decode_intent(note, kId).cgroups, ElementsAre(kCgroup));
  for (const char* other : {"pids 4\n", "pids 4 5 6\n", "pids four five\n", "pids 4 5"})
    EXPECT_FALSE(decode_intent(other, kId).pid_namespace) << other;
}

// What was being written when its process died was not begun.
TEST(Intent, ALineWithoutItsEndIsNone) {
  const std::string note =
      encode_cgroups({kCgroup}) + encode_artifact(artifact()) + encode_made(kName, {1, 99});
  for (std::size_t size = 0; size < note.size(); ++size) {
    const Intent intent = decode_intent(note.substr(0, size), kId);
    const std::size_t lines = static_cast<std::size_t>(
        std::count(note.begin(), note.begin() + static_cast<std::ptrdiff_t>(size), '\n'));
    EXPECT_EQ(intent.cgroups.size(), lines >= 1 ? 1U : 0U) << size;
    EXPECT_EQ(intent.artifacts.size(), lines >= 2 ? 1U : 0U) << size;
    if (lines == 2) {
      EXPECT_FALSE(intent.artifacts[0].id) << size;
    }
  }
}

TEST(Intent, NamesNothingThatIsNotOfThisInstance) {
  for (const char* dir :
       {"/sys/fs/cgroup", "/sys/fs/cgroup/stagebox-", "/sys/fs/cgroup/stagebox-ffffffffffff",
        "/sys/fs/cgroup/stagebox-0123456789ab/..", "/sys/../stagebox-0123456789ab",
        "/sys/./stagebox-0123456789ab", "/sys/stagebox-0123456789ab/", "stagebox-0123456789ab",
        "sys/stagebox-0123456789ab", "../stagebox-0123456789ab", "", "/stagebox-0123456789abc"})
    EXPECT_THAT(decode_intent(encode_cgroups({dir}), kId).cgroups, IsEmpty()) << dir;
  EXPECT_THAT(decode_intent("Cgroup /x/stagebox-0123456789ab\n"
                            "cgroup  /x/stagebox-0123456789ab\n"
                            " cgroup /x/stagebox-0123456789ab\n"
                            "cgroup\t/x/stagebox-0123456789ab\n",
                            kId)
                  .cgroups,
              IsEmpty());
}

TEST(Intent, NamesNoArtifactButWhatWeWouldHaveCalledSo) {
  const auto count = [](const UnfinishedArtifact& one) {
    return decode_intent(encode_artifact(one), kId).artifacts.size();
  };
  EXPECT_EQ(count(artifact()), 1U);
  for (const char* name : {"notes.txt", "..", ".", "", ".stagebox-00112233aabb",
                           ".stagebox-00112233AABB.part", ".stagebox-00112233aab.part",
                           ".stagebox-00112233aabbc.part", "x.stagebox-00112233aabb.part",
                           ".stagebox-../../../aabb.part", ".stagebox-00112233aa/b.part"}) {
    UnfinishedArtifact other = artifact();
    other.name = name;
    EXPECT_EQ(count(other), 0U) << name;
  }
  for (const char* directory : {"", "home/u", "/home/../etc", "/home/./u", "/..", "./x"}) {
    UnfinishedArtifact other = artifact();
    other.directory = directory;
    EXPECT_EQ(count(other), 0U) << directory;
  }
  UnfinishedArtifact other = artifact();
  other.directory = std::string("/home\0/u", 8);
  EXPECT_EQ(count(other), 0U);
}

TEST(Intent, TakesNoNumberForMoreThanItIs) {
  const std::string start = std::string("artifact ") + kName + " ";
  for (const char* rest :
       {"2049 77 2f7", "2049 77 2G", "2049 77 2F68", "2049 77", "2049", "", "-1 77 2f", "1 +7 2f",
        "99999999999999999999999 77 2f", "2049 77  2f", "2049  77 2f", "0x1 7 2f", "2049 77 2f 2f"})
    EXPECT_THAT(decode_intent(start + rest + "\n", kId).artifacts, IsEmpty()) << rest;
  const std::string whole = encode_artifact(artifact());
  for (const char* rest : {"1", "1 2 3", "a b", "1 -2", "", "1 99999999999999999999999"}) {
    const std::string note = whole + "made " + kName + " " + rest + "\n";
    EXPECT_FALSE(decode_intent(note, kId).artifacts.at(0).id) << rest;
  }
  // Of one that nobody spoke of.
  EXPECT_FALSE(decode_intent(whole + encode_made(".stagebox-ffffffffffff.part", {1, 2}), kId)
                   .artifacts.at(0)
                   .id);
}

TEST(Intent, GarbageMeansNothingAndHidesNothing) {
  std::string garbage;
  for (int byte = 0; byte < 256; ++byte) garbage += static_cast<char>(byte);
  garbage += std::string(std::size_t{4} << 20U, 'x') + "\n\n\n" + std::string(100'000, '\n');
  EXPECT_THAT(decode_intent(garbage, kId).cgroups, IsEmpty());
  EXPECT_THAT(decode_intent(garbage, kId).artifacts, IsEmpty());
  const std::string note = encode_cgroups({kCgroup}) + garbage + encode_artifact(artifact());
  EXPECT_THAT(decode_intent(note, kId).cgroups, ElementsAre(kCgroup));
  EXPECT_EQ(decode_intent(note, kId).artifacts.size(), 1U);
}

}  // namespace
}  // namespace stagebox::run
