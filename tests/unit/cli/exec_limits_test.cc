// --ulimit and --tmpfs, from their texts.
#include "runtime/cli/exec_limits.h"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include "runtime/cli/exec_mounts.h"

namespace stagebox::cli {
namespace {

using sandbox::Rlimit;
using ::testing::HasSubstr;

std::string ulimit_mistake(const std::string& text, const sandbox::Limits& limits = {}) {
  std::vector<Rlimit> rlimits;
  const auto added = add_ulimits({text}, limits, rlimits);
  return added.ok() ? "no mistake" : added.error().message;
}

TEST(Ulimits, ReplaceWhatIsThere) {
  std::vector<Rlimit> rlimits{{RLIMIT_CORE, 0, 0}, {RLIMIT_STACK, 1, 1}};
  const auto added = add_ulimits({"STACK=65536:131072", "fsize=10"}, {}, rlimits);
  ASSERT_TRUE(added.ok()) << added.error().message;
  ASSERT_EQ(rlimits.size(), 3U);
  EXPECT_EQ(rlimits[0].resource, RLIMIT_CORE);
  EXPECT_EQ(rlimits[1].resource, RLIMIT_STACK);
  EXPECT_EQ(rlimits[1].soft, 65536U);
  EXPECT_EQ(rlimits[1].hard, 131072U);
  EXPECT_EQ(rlimits[2].resource, RLIMIT_FSIZE);
  EXPECT_EQ(rlimits[2].hard, 10U);
}

TEST(Ulimits, NothingIsAboveWhatThisProcessMayHave) {
  struct rlimit own{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &own), 0);
  ASSERT_NE(own.rlim_max, RLIM_INFINITY) << "the kernel has no unlimited table of descriptors";
  EXPECT_EQ(ulimit_mistake("nofile=" + std::to_string(own.rlim_max)), "no mistake");
  EXPECT_THAT(ulimit_mistake("nofile=1:" + std::to_string(own.rlim_max + 1)),
              HasSubstr("may have " + std::to_string(own.rlim_max) + " at most"));
  EXPECT_THAT(ulimit_mistake("nofile=unlimited"), HasSubstr("at most"));
  EXPECT_THAT(ulimit_mistake("nofile=-1"), HasSubstr("at most"));
}

TEST(Ulimits, MistakesAreNamed) {
  for (const char* text : {"stack", "=5", "file=5", ""})
    EXPECT_THAT(ulimit_mistake(text), HasSubstr("NAME=SOFT[:HARD]")) << text;
  for (const char* text :
       {"stack=", "stack=1k", "stack=1:", "stack=-2", "stack=99999999999999999999"})
    EXPECT_THAT(ulimit_mistake(text), HasSubstr("neither a number nor")) << text;
  EXPECT_THAT(ulimit_mistake("stack=2:1"), HasSubstr("above the hard one"));
  EXPECT_THAT(ulimit_mistake("core=unlimited"), HasSubstr("core_pattern"));
  sandbox::Limits limits;
  limits.open_files = 100;
  EXPECT_THAT(ulimit_mistake("nofile=100", limits), HasSubstr("the same limit"));
}

TEST(Tmpfs, PathAndSize) {
  const auto plain = parse_tmpfs("/a/b", "");
  ASSERT_TRUE(plain.ok());
  EXPECT_EQ(plain->target, "a/b");
  EXPECT_EQ(plain->bytes, std::uint64_t{64} << 20);
  EXPECT_EQ(parse_tmpfs("/a", "1GiB").value().bytes, std::uint64_t{1} << 30);
  EXPECT_GE(parse_tmpfs("/a", "1").value().inodes, 16U);
  for (const char* path : {"", "a", "/", "/../etc", "/a/../b"})
    EXPECT_FALSE(parse_tmpfs(path, "").ok()) << path;
  for (const char* size : {"0", "-1", "much", "1GiB:ro"})
    EXPECT_FALSE(parse_tmpfs("/a", size).ok()) << size;
}

}  // namespace
}  // namespace stagebox::cli
