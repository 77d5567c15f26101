#include "sandbox/network/nat_session.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <sstream>
#include <string_view>
#include <utility>

#include "runtime/base/pipe.h"
#include "sandbox/fork_server/inherited_fds.h"
#include "sandbox/network/nat_interface.h"
#include "sandbox/network/nat_neighbours.h"
#include "sandbox/network/own_addresses.h"

namespace stagebox::sandbox::network {
namespace {

using base::Result;
using base::UniqueFd;

// What every user of slirp4netns, QEMU and VirtualBox knows. The network is behind an address
// translation, so it can be the same for all sandboxes.
constexpr const char* kAddress = "10.0.2.100";
constexpr const char* kNetmask = "255.255.255.0";
constexpr const char* kGateway = "10.0.2.2";
constexpr const char* kResolver = "10.0.2.3";
constexpr const char* kInterface = "eth0";

constexpr char kTunRemedy[] = "give this user access to /dev/net/tun, or run as root";

Result<UniqueFd> open_tun() {
  UniqueFd device(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
  if (device) return device;
  return base::errno_error("/dev/net/tun cannot be opened");
}

/// What pasta gets, laid out before the fork: between fork and exec of a process with threads
/// nothing may allocate. Neither copied nor moved: `argv` points into it.
class PastaCommand {
 public:
  PastaCommand() {
    // The namespace's owner alone may enter it.
    if (::geteuid() == 0) arguments_.insert(arguments_.end(), {"--runas", "0"});
    for (std::string& argument : arguments_) argv_.push_back(argument.data());
    argv_.push_back(nullptr);
  }
  PastaCommand(const PastaCommand&) = delete;
  PastaCommand& operator=(const PastaCommand&) = delete;
  ~PastaCommand() = default;

  [[nodiscard]] char* const* argv() const { return argv_.data(); }

 private:
  // The standard descriptors are those that every version keeps.
  // clang-format off
  std::vector<std::string> arguments_{
      "pasta", "--foreground", "--quiet", "--config-net", "--ipv4-only",
      // What listens on one side cannot be reached from the other one.
      "--tcp-ports", "none", "--udp-ports", "none", "--tcp-ns", "none", "--udp-ns", "none",
      // Otherwise the gateway's address would be this machine's loopback.
      "--no-map-gw",
      "--no-dhcp", "--dns-forward", kResolver,
      "--address", kAddress, "--netmask", kNetmask, "--gateway", kGateway, "--ns-ifname", kInterface,
      "--no-netns-quit", "--netns", "/proc/self/fd/0", "--userns", "/proc/self/fd/1",
      "--pid", "/proc/self/fd/2"};
  // clang-format on
  std::vector<char*> argv_;
};

struct PastaFds {
  int network_namespace;
  int user_namespace;
  int messages;
};

[[noreturn]] void become_pasta(char* const* argv, const PastaFds& fds) {
  // Should somebody kill the watcher.
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // None of them is a standard descriptor of ours, which are always open.
  (void)::dup2(fds.network_namespace, STDIN_FILENO);
  (void)::dup2(fds.user_namespace, STDOUT_FILENO);
  (void)::dup2(fds.messages, STDERR_FILENO);
  // What is in our environment is not for a program that reads what a stage sends.
  char* const no_environment[] = {nullptr};
  ::execvpe(argv[0], argv, no_environment);
  constexpr std::string_view kMissing = "pasta cannot be executed; install the package passt\n";
  (void)!::write(STDERR_FILENO, kMissing.data(), kMissing.size());
  ::_exit(127);
}

// Waits for the end of `control`: of the session, or of the process that holds the other one.
// Async- signal-safe: that process has threads.
[[noreturn]] void watch_pasta(char* const* argv, int control, const PastaFds& fds) {
  // A signal of the terminal is for the process that we were a part of; it decides when we end.
  (void)::setsid();
  (void)::prctl(PR_SET_NAME, "stagebox-nat");
  const pid_t pasta = ::fork();
  if (pasta == 0) become_pasta(argv, fds);
  keep_only(control);
  struct pollfd end{control, POLLIN, 0};
  while (::poll(&end, 1, -1) < 0 && errno == EINTR) {
  }
  if (pasta > 0) {
    (void)::kill(pasta, SIGKILL);
    while (::waitpid(pasta, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  ::_exit(0);
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// pasta writes its process id when the interface is there. Other lines are complaints; when it ends
// they say why.
Result<void> await_interface(int messages) {
  std::string text;
  std::string complaints;
  for (std::array<char, 512> buffer{};;) {
    const ssize_t size = ::read(messages, buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(size));
    for (std::size_t end = 0; (end = text.find('\n')) != std::string::npos;) {
      const std::string line = text.substr(0, end);
      if (is_number(line)) return {};
      complaints += (complaints.empty() ? "" : "; ") + line;
      text.erase(0, end + 1);
    }
  }
  return base::unsupported("a network with address translation cannot be had: " + complaints);
}

bool is_installed(const std::string& program) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (::access(folder.append("/").append(program).c_str(), X_OK) == 0) return true;
  }
  return false;
}

// One that never waits: a reader that does not read must not stop the writer.
Result<base::Pipe> make_message_pipe() {
  base::Pipe pipe = TRY(base::make_pipe());
  if (::fcntl(pipe.write_end.get(), F_SETFL, O_NONBLOCK) != 0)
    return base::errno_error("make a pipe");
  return pipe;
}

}  // namespace

Result<std::vector<base::IpRange>> unreachable_through_nat() {
  std::vector<base::IpRange> ranges = base::special_v4_ranges();
  for (const base::IpAddress& address : TRY(own_addresses())) {
    const base::IpRange own{address};
    if (address.is_v4() && std::ranges::find(ranges, own) == ranges.end()) ranges.push_back(own);
  }
  return ranges;
}

std::string nat_resolver_file() { return std::string("nameserver ") + kResolver + "\n"; }

Check check_nat() {
  const std::string name = "network: nat";
  if (!is_installed("pasta"))
    return {name, Check::State::kRefused, "pasta is not installed", "install the package passt"};
  if (const auto device = open_tun(); !device.ok())
    return {name, Check::State::kRefused, device.error().message, kTunRemedy};
  return {name, Check::State::kEnforced,
          "pasta, an interface for each sandbox; no way to private addresses and to this machine",
          ""};
}

Result<NatSession> NatSession::start(const HandedOutNamespaces& namespaces) {
  // From inside it would be the same errno with no name.
  if (const auto device = open_tun(); !device.ok())
    return base::unsupported(
        "a network with address translation cannot be made: " + device.error().message + "; " +
        kTunRemedy + "; `stagebox doctor` shows what is there");
  TRY(make_nat_interface(namespaces, kInterface));
  base::Pipe messages = TRY(make_message_pipe());
  base::Pipe control = TRY(base::make_pipe());
  const PastaCommand command;
  const PastaFds fds{namespaces.network.get(), namespaces.user.get(), messages.write_end.get()};
  const pid_t watcher = ::fork();
  if (watcher < 0) return base::errno_error("fork");
  if (watcher == 0) watch_pasta(command.argv(), control.read_end.get(), fds);
  NatSession session(watcher, std::move(control.write_end), std::move(messages.read_end));
  messages.write_end.reset();
  TRY(await_interface(session.messages_.get()));
  TRY(fix_neighbours(namespaces, kInterface, {kGateway, kResolver}));
  return session;
}

NatSession::NatSession(NatSession&& other) noexcept
    : watcher_(std::exchange(other.watcher_, -1)),
      control_(std::move(other.control_)),
      messages_(std::move(other.messages_)) {}

NatSession::~NatSession() {
  if (watcher_ < 0) return;
  control_.reset();
  while (::waitpid(watcher_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace stagebox::sandbox::network
