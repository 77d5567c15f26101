#include "tests/kernel/escape/escape_fixture.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "runtime/base/files.h"

namespace stagebox::testing {
namespace fs = std::filesystem;

void EscapeTest::SetUp() {
  SandboxTest::SetUp();
  if (IsSkipped() || HasFatalFailure()) return;
  ASSERT_NO_FATAL_FAILURE(add_attack_program());
  fs::create_directories(canary() + "/dir");
  std::ofstream(canary() + "/secret") << "sesame\n";
  std::ofstream(canary() + "/dir/file") << "untouched\n";
  // As open as can be: only the sandbox protects it.
  for (const char* name : {"", "/dir", "/secret", "/dir/file"})
    ASSERT_EQ(::chmod((canary() + name).c_str(), 0777), 0);
  before_ = hash_canary();
}

void EscapeTest::TearDown() {
  if (before_.empty()) return;
  EXPECT_EQ(hash_canary(), before_) << "the canary on the host was changed";
}

std::string EscapeTest::hash_canary() const {
  std::vector<std::string> lines;
  for (const auto& entry : fs::recursive_directory_iterator(canary())) {
    struct stat status{};
    if (::lstat(entry.path().c_str(), &status) != 0) continue;
    std::ostringstream line;
    line << entry.path().string() << ' ' << status.st_mode << ' ' << status.st_uid << ' '
         << status.st_gid << ' ' << status.st_nlink << ' ' << status.st_mtim.tv_sec << '.'
         << status.st_mtim.tv_nsec;
    if (S_ISREG(status.st_mode)) line << base::read_file(entry.path(), 4096).value();
    lines.push_back(line.str());
  }
  std::ranges::sort(lines);
  std::string all;
  for (const std::string& line : lines) all += line + "\n";
  return all;
}

base::Result<RunResult> EscapeTest::attack(const std::string& arguments) {
  return run("exec attack " + arguments);
}

void EscapeTest::expect_all_refused(const std::string& output, std::size_t lines) {
  std::istringstream stream(output);
  std::size_t count = 0;
  for (std::string line; std::getline(stream, line); ++count) {
    EXPECT_TRUE(line.find(": refused ") != std::string::npos ||
                line.find(": killed ") != std::string::npos)
        << line;
  }
  EXPECT_GE(count, lines) << output;
}

base::UniqueFd EscapeTest::bind_abstract(int type, const std::string& name) {
  struct sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path + 1, sizeof(address.sun_path) - 1);
  base::UniqueFd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  const auto size =
      static_cast<socklen_t>(offsetof(struct sockaddr_un, sun_path) + 1 + name.size());
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<struct sockaddr*>(&address), size), 0);
  return socket;
}

void EscapeTest::replace_by_link(const std::string& path, const std::string& target) const {
  const fs::path at = dir_.path("layer/") + path;
  fs::remove_all(at);
  fs::create_directories(at.parent_path());
  fs::create_symlink(target, at);
  own_by_sandbox_root("layer");
}

void EscapeTest::discard_scratch() const {
  ASSERT_TRUE(base::remove_tree_at(dir_.fd(), "scratch").ok());
}

}  // namespace stagebox::testing
