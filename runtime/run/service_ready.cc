#include "runtime/run/service_ready.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "runtime/base/files.h"
#include "runtime/base/pipe.h"
#include "runtime/run/secrets/secret_masker.h"
#include "sandbox/network/namespace_socket.h"

namespace stagebox::run {
namespace {

using base::Result;
using base::UniqueFd;
using std::chrono::milliseconds;

// How often it is looked whether a check that goes on is over: soon first, as most are short.
constexpr milliseconds kFirstLook{5};
constexpr milliseconds kLongestLook{80};
// Pauses are shorter than asked for at first, for what starts at once: 10 ms, doubled each time.
constexpr milliseconds kFirstPause{5};
// After it was ready nobody asks any more.
constexpr milliseconds kNever{std::chrono::hours(1)};
// What is quoted of what a check wrote.
constexpr std::size_t kMostSaid = 2048;

/// One kind of check. `begin` starts one, `over` tells its verdict once it has one.
class Check {
 public:
  virtual ~Check() = default;
  virtual Result<void> begin() = 0;
  virtual std::optional<ReadyVerdict> over() = 0;
};

class NoCheck final : public Check {
 public:
  Result<void> begin() override { return {}; }
  std::optional<ReadyVerdict> over() override { return ReadyVerdict{true, ""}; }
};

/// Whether something accepts connections.
class PortCheck final : public Check {
 public:
  PortCheck(std::uint16_t port, int network_namespace)
      : port_(port), network_namespace_(network_namespace) {}

  Result<void> begin() override {
    socket_ = TRY(sandbox::network::tcp_socket_in(network_namespace_));
    struct sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto* generic = reinterpret_cast<const struct sockaddr*>(&address);
    error_ = ::connect(socket_.get(), generic, sizeof(address)) == 0 ? 0 : errno;
    return {};
  }

  std::optional<ReadyVerdict> over() override {
    if (error_ == EINPROGRESS) {
      struct pollfd connected{socket_.get(), POLLOUT, 0};
      if (::poll(&connected, 1, 0) <= 0) return std::nullopt;
      socklen_t size = sizeof(error_);
      if (::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error_, &size) != 0) error_ = errno;
    }
    socket_.reset();
    if (error_ == 0) return ReadyVerdict{true, ""};
    return ReadyVerdict{false,
                        "127.0.0.1:" + std::to_string(port_) + ": " + base::errno_text(error_)};
  }

 private:
  std::uint16_t port_;
  int network_namespace_;
  UniqueFd socket_;
  int error_ = 0;
};

/// Whether a command in the service's sandbox exits with 0.
class CommandCheck final : public Check {
 public:
  CommandCheck(const Running& running, std::vector<std::string> argv,
               const SecretAutomaton* secrets)
      : running_(running), process_spec_(running.process), secrets_(secrets) {
    process_spec_.command.argv = std::move(argv);
    process_spec_.terminal.reset();
  }
  CommandCheck(const CommandCheck&) = delete;
  CommandCheck& operator=(const CommandCheck&) = delete;
  ~CommandCheck() override {
    for (auto& [name, value] : process_spec_.command.environment)
      ::explicit_bzero(value.data(), value.size());
  }

  Result<void> begin() override {
    base::Pipe pipe = TRY(base::make_pipe());
    if (::fcntl(pipe.read_end.get(), F_SETFL, O_NONBLOCK) != 0)
      return base::errno_error("make a pipe");
    std::array<UniqueFd, 3> stdio;
    stdio[0] = TRY(base::open_path("/dev/null", O_RDONLY));
    stdio[2] = TRY(base::duplicate(pipe.write_end.get()));
    stdio[1] = std::move(pipe.write_end);
    said_.clear();
    masker_.reset();
    if (secrets_ != nullptr) masker_.emplace(*secrets_);
    output_ = std::move(pipe.read_end);
    process_ = TRY(running_.sandbox.exec(running_.server, process_spec_, stdio));
    return {};
  }

  std::optional<ReadyVerdict> over() override {
    read_output();
    struct pollfd dead{process_->pidfd(), POLLIN, 0};
    if (::poll(&dead, 1, 0) <= 0) return std::nullopt;
    ReadyVerdict verdict = conclude();
    output_.reset();
    process_.reset();
    return verdict;
  }

 private:
  ReadyVerdict conclude() {
    const std::string name = process_spec_.command.argv.front();
    if (const auto& failure = process_->exec_failure())
      return {false, "cannot execute \"" + name + "\": " + base::errno_text(failure->error)};
    const auto record = process_->wait();
    if (!record.ok()) return {false, record.error().message};
    read_output();
    if (masker_) masker_->finish(said_);
    said_.resize(std::min(said_.size(), kMostSaid));
    const int status = record->wait_status;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {true, ""};
    std::string why = WIFEXITED(status)
                          ? "the check exited with status " + std::to_string(WEXITSTATUS(status))
                          : "the check was killed by signal " + std::to_string(WTERMSIG(status));
    const std::size_t end = said_.find_last_not_of(" \n");
    if (end != std::string::npos) why += " and wrote: " + said_.substr(0, end + 1);
    return {false, std::move(why)};
  }

  // All of it, so that the check does not wait for us; the beginning is kept. It is masked before
  // it is cut, where a part of a secret could remain, and kept nowhere else.
  void read_output() {
    std::array<char, 4096> buffer{};
    for (ssize_t count = 0; (count = ::read(output_.get(), buffer.data(), buffer.size())) > 0 &&
                            ++reads_ < kMostReads;)
      keep(std::string_view(buffer.data(), static_cast<std::size_t>(count)));
    ::explicit_bzero(buffer.data(), buffer.size());
    reads_ = 0;
  }

  void keep(std::string_view text) {
    if (said_.size() >= kMostSaid) return;
    if (masker_)
      masker_->feed(std::as_bytes(std::span(text)), said_);
    else
      said_.append(text.substr(0, kMostSaid - said_.size()));
  }

  // A check that writes without end must not keep the supervisor.
  static constexpr unsigned kMostReads = 64;

  Running running_;
  sandbox::ProcessSpec process_spec_;
  std::optional<sandbox::SandboxProcess> process_;
  const SecretAutomaton* secrets_;
  std::optional<SecretMasker> masker_;
  UniqueFd output_;
  std::string said_;
  unsigned reads_ = 0;
};

std::unique_ptr<Check> make_check(const Running& running, const scheduler::ServiceReady& ready,
                                  const SecretAutomaton* secrets) {
  if (const auto* argv = std::get_if<scheduler::Argv>(&ready.check))
    return std::make_unique<CommandCheck>(running, argv->arguments, secrets);
  if (const auto* port = std::get_if<std::uint16_t>(&ready.check))
    return std::make_unique<PortCheck>(*port, running.network_namespace);
  return std::make_unique<NoCheck>();
}

class ReadyWatch {
 public:
  ReadyWatch(std::unique_ptr<Check> check, milliseconds interval,
             std::function<void(ReadyVerdict)> tell)
      : check_(std::move(check)), interval_(interval), tell_(std::move(tell)) {}

  sandbox::Watch::Answer look() {
    if (ready_) return {std::nullopt, kNever};
    if (!going_on_) {
      // A service that is just ending cannot be asked: its end is reported by itself.
      if (const auto begun = check_->begin(); !begun.ok()) return failed(begun.error().message);
      going_on_ = true;
      next_look_ = kFirstLook;
    }
    auto verdict = check_->over();
    if (!verdict) {
      next_look_ = std::min(next_look_ * 2, kLongestLook);
      return {std::nullopt, next_look_};
    }
    going_on_ = false;
    if (!verdict->ready) return failed(std::move(verdict->why));
    ready_ = true;
    tell_(std::move(*verdict));
    return {std::nullopt, kNever};
  }

 private:
  sandbox::Watch::Answer failed(std::string why) {
    tell_({false, std::move(why)});
    pause_ = std::min(pause_ * 2, interval_);
    return {std::nullopt, pause_};
  }

  std::unique_ptr<Check> check_;
  milliseconds interval_;
  std::function<void(ReadyVerdict)> tell_;
  milliseconds next_look_ = kFirstLook;
  milliseconds pause_ = kFirstPause;
  bool going_on_ = false;
  bool ready_ = false;
};

}  // namespace

sandbox::Watch watch_ready(const Running& running, const scheduler::ServiceReady& ready,
                           const SecretAutomaton* secrets, std::function<void(ReadyVerdict)> tell) {
  auto watch = std::make_shared<ReadyWatch>(make_check(running, ready, secrets), ready.interval,
                                            std::move(tell));
  return {[watch] { return watch->look(); }};
}

}  // namespace stagebox::run
