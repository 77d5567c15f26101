// What surrounds a sandbox: the host's network, terminal, names, environment and files.
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "sandbox/kernel/kernel_features.h"
#include "sandbox/seccomp/seccomp_policy.h"
#include "tests/kernel/escape/escape_fixture.h"

namespace stagebox::testing {
namespace {

using SurroundingsTest = EscapeTest;

base::UniqueFd listen_loopback(int* port) {
  struct sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  base::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<struct sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_EQ(::listen(socket.get(), 8), 0);
  socklen_t size = sizeof(address);
  EXPECT_EQ(::getsockname(socket.get(), reinterpret_cast<struct sockaddr*>(&address), &size), 0);
  *port = ntohs(address.sin_port);
  return socket;
}

// CVE-2020-15257.
TEST_F(SurroundingsTest, NoServiceOfTheHostCanBeReached) {
  const std::string name = "stagebox-test-" + std::to_string(::getpid());
  const auto abstract = bind_abstract(SOCK_STREAM, name);
  EXPECT_EQ(::listen(abstract.get(), 8), 0);
  int port = 0;
  const auto loopback = listen_loopback(&port);
  expect_all_refused(ATTACK("sockets " + name + " " + std::to_string(port)).output, 4);
}

// The stage's standard input is the terminal of the one who started it.
TEST_F(SurroundingsTest, NothingIsTypedIntoTheTerminal) {
  const base::UniqueFd controller(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_TRUE(controller.valid());
  ASSERT_EQ(::grantpt(controller.get()) + ::unlockpt(controller.get()), 0);
  char name[64]{};
  ASSERT_EQ(::ptsname_r(controller.get(), name, sizeof(name)), 0);
  stdin_ = base::UniqueFd(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_TRUE(stdin_.valid());
  const base::UniqueFd same = base::duplicate(stdin_.get()).value();
  const auto result = ATTACK("terminal");
  ASSERT_TRUE(result.output.starts_with("is a terminal: 1\n")) << result.output;
  for (const char* line :
       {"TIOCSTI: refused", "TIOCSTI with a high bit: refused", "TIOCSTI with the top bit: refused",
        "TIOCSTI with all high bits: refused", "TIOCLINUX: refused",
        "TIOCLINUX with a high bit: refused", "TIOCSETD: refused"}) {
    EXPECT_NE(result.output.find(line), std::string::npos) << line << "\n" << result.output;
  }
  // Nothing waits to be read by the next program at this terminal.
  ASSERT_EQ(::fcntl(same.get(), F_SETFL, O_NONBLOCK), 0);
  char typed = 0;
  EXPECT_EQ(::read(same.get(), &typed, 1), -1) << typed;
}

// Root's sandboxes own what they are given to read: the kernel would let them. Every filter refuses
// it, also one that somebody brought.
TEST_F(SurroundingsTest, NoLeaseKeepsOthersFromOpeningAFile) {
  std::filesystem::create_directories(dir_.path("input"));
  std::ofstream(dir_.path("input/data")) << "mine\n";
  own_by_sandbox_root("input");
  input_dir_ = dir_.path("input");
  sandbox::SeccompRules everything;
  everything.default_action = sandbox::SeccompAction::kAllow;
  const auto permissive = sandbox::compile_seccomp(everything, sandbox::DeniedCalls::kAnswered);
  ASSERT_TRUE(permissive.ok()) << permissive.error().message;
  for (const auto& filter : {spec_.seccomp, *permissive}) {
    spec_.seccomp = filter;
    scratch_name_ = filter == *permissive ? "permissive" : "default";
    const auto result = ATTACK("lease /workspace/in/data /workspace/in");
    expect_all_refused(result.output, 5);
  }
}

TEST_F(SurroundingsTest, NoControllingTerminal) {
  const auto result = run("echo x > /dev/tty");
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_NE(result->output.find("No such device"), std::string::npos) << result->output;
}

TEST_F(SurroundingsTest, NoNameOrVariableOfTheHostLeaks) {
  // One that was started before has no such variable to leak.
  ASSERT_EQ(::setenv("STAGEBOX_TEST_SECRET", "sesame", 1), 0);
  auto server = sandbox::ForkServer::start();
  ASSERT_EQ(::unsetenv("STAGEBOX_TEST_SECRET"), 0);
  ASSERT_TRUE(server.ok()) << server.error().message;
  own_server_ = std::move(*server);
  char host[256]{};
  ASSERT_EQ(::gethostname(host, sizeof(host) - 1), 0);
  // Field 4 of mountinfo is where a mount's root is in its file system: the kernel tells everybody.
  const auto result = run(
      "hostname; uname -n; cat /proc/sys/kernel/hostname; cat /proc/*/environ | tr '\\0' '\\n'; "
      "env; cut -d' ' -f5- /proc/self/mountinfo; cat /proc/mounts /etc/mtab /etc/hosts "
      "/proc/self/cgroup 2>/dev/null");
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_TRUE(result->output.starts_with("stagebox\nstagebox\nstagebox\n")) << result->output;
  EXPECT_EQ(result->output.find("sesame"), std::string::npos);
  EXPECT_EQ(result->output.find(dir_.path("")), std::string::npos) << result->output;
  if (std::string(host) != "stagebox" && std::strlen(host) > 3) {
    EXPECT_EQ(result->output.find(std::string(" ") + host), std::string::npos) << result->output;
  }
}

TEST_F(SurroundingsTest, ClocksStartWithTheStage) {
  const auto result = run("cut -d. -f1 /proc/uptime");
  ASSERT_TRUE(result.ok()) << result.error().message;
  struct timespec booted{};
  ASSERT_EQ(::clock_gettime(CLOCK_BOOTTIME, &booted), 0);
  if (!sandbox::KernelFeatures::probed().time_namespace) {
    // Then `doctor` says so, and everything else is as it should be.
    EXPECT_NEAR(static_cast<double>(std::stol(result->output)), static_cast<double>(booted.tv_sec),
                60);
    return;
  }
  EXPECT_LT(std::stol(result->output), 60) << "the host's: " << result->output;
}

// The tree of the host that the canary is in cannot be named from inside by any path.
TEST_F(SurroundingsTest, TheCanaryCannotBeReached) {
  const auto result = run("cat " + canary() + "/secret /proc/*/root" + canary() +
                          "/secret /proc/*/cwd/secret; echo x > " + canary() +
                          "/secret; find / -name secret -not -path '/proc/*'");
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->output.find("sesame"), std::string::npos) << result->output;
}

}  // namespace
}  // namespace stagebox::testing
