// Runs a command as one of the users that Stagebox is for:
//   in_role REPOSITORY COMMAND [ARG...], with STAGEBOX_TEST_AS as tests/support/test_role.h has it.
// An ordinary user may not be able to go where the repository lies, so the command sees it at /mnt;
// paths below it among the arguments and in STAGEBOX are changed accordingly.
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/error.h"
#include "tests/support/test_role.h"

namespace {

using stagebox::base::Result;

constexpr char kSeenAt[] = "/mnt";

// Only this process and its children see the mount.
Result<void> show_repository(const std::string& repository) {
  namespace base = stagebox::base;
  if (::unshare(CLONE_NEWNS) != 0) return base::errno_error("unshare the mount namespace");
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return base::errno_error("make mounts private");
  if (::mount(repository.c_str(), kSeenAt, nullptr, MS_BIND, nullptr) != 0)
    return base::errno_error("bind " + repository + " at " + kSeenAt);
  return {};
}

std::string as_seen(std::string_view path, std::string_view repository) {
  const bool below =
      path.starts_with(repository) && path.substr(repository.size()).starts_with('/');
  if (!below) return std::string(path);
  return std::string(kSeenAt) + std::string(path.substr(repository.size()));
}

// Whoever is not root tests as himself, and only once.
bool stays_as_it_is() {
  const char* role = std::getenv("STAGEBOX_TEST_AS");
  return role == nullptr || (::geteuid() != 0 && std::string_view(role) == "root");
}

Result<void> prepare(const std::string& repository, std::vector<std::string>& command) {
  if (stays_as_it_is()) return {};
  if (::geteuid() != 0) return stagebox::base::unsupported("other users' roles need root");
  TRY(show_repository(repository));
  for (std::string& argument : command) argument = as_seen(argument, repository);
  const char* program = std::getenv("STAGEBOX");
  if (program != nullptr) (void)::setenv("STAGEBOX", as_seen(program, repository).c_str(), 1);
  return stagebox::testing::assume_test_role();
}

int execute(std::vector<std::string>& command) {
  std::vector<char*> argv;
  for (std::string& argument : command) argv.push_back(argument.data());
  argv.push_back(nullptr);
  (void)::execvp(argv[0], argv.data());
  std::cerr << stagebox::base::errno_error("execute " + command[0]).message << '\n';
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: in_role REPOSITORY COMMAND [ARG...]\n";
    return 2;
  }
  std::vector<std::string> command(argv + 2, argv + argc);
  const auto prepared = prepare(argv[1], command);
  if (prepared.ok()) return execute(command);
  // The words that mark a skipped test (tests/e2e/CMakeLists.txt).
  const bool skipped = prepared.error().kind == stagebox::base::ErrorKind::kUnsupported;
  std::cerr << (skipped ? "SKIPPED: " : "") << prepared.error().message << '\n';
  return skipped ? 0 : 1;
}
