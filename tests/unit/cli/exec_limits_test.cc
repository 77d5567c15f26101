// Limits, --ulimit and --tmpfs, from their texts.
#include "runtime/cli/exec_limits.h"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <algorithm>
#include <map>

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

std::string limit_mistake(const std::string& name, const std::string& text) {
  const auto limits = parse_limits({{name, text}});
  return limits.ok() ? "no mistake" : limits.error().message;
}

// What a kernel would take for no limit is none of them.
TEST(ExecLimits, AreWithinTheBoundsOfAPipelineFile) {
  for (const auto& [name, texts] : std::map<std::string, std::vector<const char*>>{
           {"cpus", {"0", "-1", "inf", "nan", "1e9", "0.001", "", "many"}},
           {"cpu_weight", {"0", "10001", "1.5", "-1"}},
           {"cpuset", {"", "a", "0-", "-1"}},
           {"cpu_time", {"0", "0s", "-1s", "x"}},
           {"memory", {"0", "1KiB", "-1", "1e3", "99999999TiB"}},
           {"shm_size", {"0", "1KiB", "-1", "99999999TiB"}},
           {"pids", {"0", "1", "-1", "4194305"}},
           {"disk", {"0", "1", "x"}},
           {"inodes", {"0", "63", "-1"}},
           {"io_read", {"0", "1", "65535"}},
           {"io_write", {"0", "1", "65535"}},
           {"open_files", {"0", "3", "15", "99999999"}}}) {
    std::string option = "--" + name;
    std::ranges::replace(option, '_', '-');
    for (const char* text : texts)
      EXPECT_TRUE(limit_mistake(name, text).starts_with(option + ": ")) << name << ' ' << text;
  }
  for (const auto& [name, text] : std::map<std::string, std::string>{{"cpus", "0.01"},
                                                                     {"cpu_weight", "10000"},
                                                                     {"cpuset", "0-3,6"},
                                                                     {"cpu_time", "1"},
                                                                     {"memory", "1MiB"},
                                                                     {"shm_size", "1MiB"},
                                                                     {"pids", "2"},
                                                                     {"disk", "1MiB"},
                                                                     {"inodes", "64"},
                                                                     {"io_read", "64KiB"},
                                                                     {"open_files", "16"}})
    EXPECT_EQ(limit_mistake(name, text), "no mistake") << name;
  EXPECT_EQ(
      limit_mistake("pids", "1"),
      "--pids: \"1\" is not from 2 to 4194304: the first process of the sandbox and the stage "
      "itself are two");
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
  for (const char* text : {"core=unlimited", "core=1", "core=0:1"})
    EXPECT_THAT(ulimit_mistake(text), HasSubstr("core_pattern")) << text;
  sandbox::Limits limits;
  limits.open_files = 100;
  EXPECT_THAT(ulimit_mistake("nofile=100", limits), HasSubstr("the same limit"));
}

// It is so anyway, by another limit than 0.
TEST(Ulimits, NoDumpsMayBeAskedFor) {
  std::vector<sandbox::Rlimit> rlimits{{RLIMIT_CORE, 1, 1}};
  ASSERT_TRUE(add_ulimits({"core=0", "core=0:0"}, sandbox::Limits(), rlimits).ok());
  ASSERT_EQ(rlimits.size(), 1U);
  EXPECT_EQ(rlimits[0].hard, 1U);
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
