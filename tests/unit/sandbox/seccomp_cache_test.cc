#include "sandbox/seccomp/seccomp_cache.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "runtime/base/files.h"
#include "sandbox/seccomp/seccomp_policy.h"
#include "tests/support/temp_dir.h"

namespace stagebox::sandbox {
namespace {

class SeccompCacheTest : public ::testing::Test {
 protected:
  std::vector<sock_filter> get(DeniedCalls denied = DeniedCalls::kAnswered) {
    auto program = cache_.get(default_seccomp_rules(), denied);
    EXPECT_TRUE(program.ok()) << program.error().message;
    EXPECT_EQ((*program)->denied, denied);
    return (*program)->instructions;
  }
  static bool same(const std::vector<sock_filter>& one, const std::vector<sock_filter>& other) {
    return one.size() == other.size() &&
           std::memcmp(one.data(), other.data(), one.size() * sizeof(sock_filter)) == 0;
  }
  std::string only_file() {
    const auto names = base::list_dir(dir_.fd()).value();
    EXPECT_EQ(names.size(), 1U);
    return dir_.path(names.at(0));
  }

  testing::TempDir dir_;
  SeccompCache cache_{base::duplicate(dir_.fd()).value()};
};

TEST_F(SeccompCacheTest, GivesWhatWasCompiled) {
  const auto compiled = get();
  EXPECT_TRUE(same(compiled, (*compile_default_policy())->instructions));
  EXPECT_TRUE(same(get(), compiled));
  struct stat status{};
  ASSERT_EQ(::stat(only_file().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
}

TEST_F(SeccompCacheTest, KeepsDifferentRulesApart) {
  (void)get();
  (void)get(DeniedCalls::kReported);
  EXPECT_EQ(base::list_dir(dir_.fd())->size(), 2U);
}

// Each of these would let a stage do what it must not, had somebody else put it there.
TEST_F(SeccompCacheTest, UsesNothingThatIsNotItsOwn) {
  const auto compiled = get();
  const std::string path = only_file();
  const std::string whole = base::read_file(path, 1 << 20).value();
  std::string allow_all = whole;
  const sock_filter allow = BPF_STMT(BPF_RET | BPF_K, 0x7fff0000);
  std::memcpy(allow_all.data() + 64, &allow, sizeof(allow));
  for (const std::string& content : {allow_all, whole.substr(0, whole.size() - 8), std::string(),
                                     whole.substr(64), std::string(64, '0') + whole.substr(64)}) {
    std::ofstream(path, std::ios::trunc) << content;
    EXPECT_TRUE(same(get(), compiled));
    EXPECT_EQ(base::read_file(path, 1 << 20).value(), whole) << "mended";
  }
}

TEST_F(SeccompCacheTest, DoesNotFollowLinksOrTakeFilesThatOthersCanWrite) {
  const auto compiled = get();
  const std::string path = only_file();
  ASSERT_EQ(::chmod(path.c_str(), 0666), 0);
  EXPECT_TRUE(same(get(), compiled));
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U) << "replaced";
}

}  // namespace
}  // namespace stagebox::sandbox
