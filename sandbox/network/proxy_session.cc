#include "sandbox/network/proxy_session.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <list>
#include <mutex>
#include <system_error>
#include <thread>

#include "runtime/base/wait_ready.h"
#include "sandbox/network/connection_log.h"
#include "sandbox/network/connector.h"
#include "sandbox/network/own_addresses.h"

namespace stagebox::sandbox::network {
namespace {

using base::UniqueFd;
using Clock = std::chrono::steady_clock;

// A client that does not say what it wants.
constexpr std::chrono::seconds kHandshakeTimeout{30};
// After the sandbox's death only bytes that are on their way already keep a connection open.
constexpr std::chrono::seconds kDrainTimeout{2};

bool send_all(int socket, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
    if (count >= 0) {
      text.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno != EINTR &&
               (errno != EAGAIN || !base::wait_ready(socket, POLLOUT, kHandshakeTimeout))) {
      return false;
    }
  }
  return true;
}

// From its first byte to its last.
class ProxiedConnection {
 public:
  ProxiedConnection(UniqueFd client, const AllowList& allowed)
      : client_(std::move(client)), allowed_(allowed) {}

  void run() {
    if (auto wish = listen_to_client()) serve(*wish);
  }

  /// What there is to say when it has ended. Thread-safe.
  [[nodiscard]] ConnectionEvent event() const {
    const std::scoped_lock lock(mutex_);
    ConnectionEvent event = event_;
    event.bytes = progress_.so_far();
    event.duration = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start_);
    return event;
  }

  /// The same of one that the end of the sandbox cuts off.
  [[nodiscard]] ConnectionEvent event_when_cut_off() const {
    ConnectionEvent event = this->event();
    if (event.verdict != Verdict::kAllowed) return event;
    event.reason = "the sandbox ended first";
    if (!event.address) event.verdict = event.target ? Verdict::kFailed : Verdict::kMalformed;
    return event;
  }

 private:
  std::optional<Handshake::Wish> listen_to_client() {
    Handshake handshake;
    std::array<char, 4096> buffer{};
    const Clock::time_point deadline = Clock::now() + kHandshakeTimeout;
    for (;;) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
      if (left.count() <= 0 || !base::wait_ready(client_.get(), POLLIN, left))
        return fail(Verdict::kMalformed, "it did not say where to connect to in time");
      const ssize_t count = ::recv(client_.get(), buffer.data(), buffer.size(), 0);
      if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      if (count <= 0) return fail(Verdict::kMalformed, "it hung up without a request");
      Handshake::Step step = handshake.feed({buffer.data(), static_cast<std::size_t>(count)});
      if (!send_all(client_.get(), step.reply))
        return fail(Verdict::kMalformed, "it hung up without a request");
      if (auto* wish = std::get_if<Handshake::Wish>(&step.outcome)) return std::move(*wish);
      if (auto* wrong = std::get_if<Handshake::Malformed>(&step.outcome))
        return fail(Verdict::kMalformed, wrong->reason);
    }
  }

  void serve(const Handshake::Wish& wish) {
    {
      const std::scoped_lock lock(mutex_);
      event_.protocol = wish.protocol;
      event_.target = wish.target;
    }
    if (!allowed_.names(wish.target)) {
      answer(wish, Answer::kRefused);
      (void)fail(Verdict::kRefused, "not in the allow-list");
      return;
    }
    auto connection = connect(wish);
    if (!connection) return;
    {
      const std::scoped_lock lock(mutex_);
      event_.address = connection->address;
    }
    const int target = connection->socket.get();
    if (!send_all(target, wish.to_target)) {
      (void)fail(Verdict::kFailed, "the host hung up");
      return;
    }
    progress_.sent += wish.to_target.size();
    if (answer(wish, Answer::kConnected)) relay(client_.get(), target, progress_);
  }

  std::optional<Connection> connect(const Handshake::Wish& wish) {
    std::vector<base::IpAddress> addresses;
    if (const auto* address = std::get_if<base::IpAddress>(&wish.target.host)) {
      addresses.push_back(*address);
    } else {
      auto resolved = resolve(std::get<std::string>(wish.target.host));
      if (!resolved.ok()) {
        answer(wish, Answer::kUnreachable);
        (void)fail(Verdict::kFailed, "the name cannot be resolved");
        return std::nullopt;
      }
      const auto own = own_addresses();
      if (own.ok()) addresses = allowed_.usable(*resolved, wish.target.port, *own);
      if (addresses.empty()) {
        answer(wish, Answer::kRefused);
        (void)fail(Verdict::kRefused,
                   "the name has only private addresses or this machine's, which no rule names");
        return std::nullopt;
      }
    }
    auto connection = connect_to_any(addresses, wish.target.port);
    if (connection.ok()) return std::move(*connection);
    answer(wish, Answer::kUnreachable);
    (void)fail(Verdict::kFailed, "the host does not answer");
    return std::nullopt;
  }

  bool answer(const Handshake::Wish& wish, Answer answer) const {
    return send_all(client_.get(), Handshake::reply(wish.protocol, answer));
  }

  std::nullopt_t fail(Verdict verdict, std::string_view reason) {
    const std::scoped_lock lock(mutex_);
    event_.verdict = verdict;
    event_.reason = reason;
    return std::nullopt;
  }

  UniqueFd client_;
  const AllowList& allowed_;
  Clock::time_point start_ = Clock::now();
  RelayProgress progress_;
  mutable std::mutex mutex_;  ///< Of event_.
  ConnectionEvent event_;     ///< Without bytes and duration.
};

// One thread a connection, at most kMostConnections of them.
class Session {
 public:
  Session(const SessionFds& fds, const AllowList& allowed)
      : fds_(fds),
        allowed_(allowed),
        log_(fds.events.get()),
        ended_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  /// The process ends: threads of connections that did not end go with it, before their memory
  /// does, and on record.
  [[noreturn]] void run() {
    while (serve_once()) {
    }
    std::unique_lock lock(mutex_);
    (void)changed_.wait_for(lock, kDrainTimeout, [this] { return connections_.empty(); });
    for (const ProxiedConnection& connection : connections_)
      log_.add(connection.event_when_cut_off());
    const std::uint64_t lost = log_.finish();
    (void)::send(fds_.control.get(), &lost, sizeof(lost), MSG_NOSIGNAL | MSG_DONTWAIT);
    // With the lock held: nobody adds another line.
    ::_exit(0);
  }

 private:
  // False when the supervisor wants us to end.
  bool serve_once() {
    std::array<struct pollfd, 3> polled{};
    polled[0] = {fds_.control.get(), POLLIN, 0};
    polled[1] = {has_room() ? fds_.listener.get() : -1, POLLIN, 0};
    polled[2] = {ended_.get(), POLLIN, 0};
    if (::poll(polled.data(), polled.size(), -1) < 0) return errno == EINTR;
    if (polled[0].revents != 0) return false;
    eventfd_t count = 0;
    if (polled[2].revents != 0) (void)::eventfd_read(ended_.get(), &count);
    if ((polled[1].revents & POLLIN) != 0) accept_one();
    return true;
  }

  bool has_room() {
    const std::scoped_lock lock(mutex_);
    return connections_.size() < kMostConnections;
  }

  void accept_one() {
    UniqueFd client(::accept4(fds_.listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!client) return;
    std::unique_lock lock(mutex_);
    const auto connection = connections_.emplace(connections_.end(), std::move(client), allowed_);
    lock.unlock();
    try {
      std::thread([this, connection] {
        connection->run();
        const std::scoped_lock ended(mutex_);
        log_.add(connection->event());
        remove(connection);
      }).detach();
    } catch (const std::system_error&) {
      lock.lock();
      remove(connection);  // no thread to be had: the client sees its connection closed
    }
  }

  // With the lock held.
  void remove(std::list<ProxiedConnection>::iterator connection) {
    connections_.erase(connection);
    changed_.notify_all();
    (void)::eventfd_write(ended_.get(), 1);
  }

  const SessionFds& fds_;
  const AllowList& allowed_;
  ConnectionLog log_;
  UniqueFd ended_;  ///< Readable when a connection has ended.
  std::mutex mutex_;
  std::condition_variable changed_;
  std::list<ProxiedConnection> connections_;
};

}  // namespace

void run_session(SessionFds fds, const AllowList& allowed) {
  (void)::fcntl(fds.listener.get(), F_SETFL, O_NONBLOCK);
  Session(fds, allowed).run();
}

}  // namespace stagebox::sandbox::network
