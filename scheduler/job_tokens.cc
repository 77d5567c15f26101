#include "scheduler/job_tokens.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string>

#include "runtime/base/start_thread.h"

namespace stagebox::scheduler {
namespace {

/// Never more at once: a pipe holds no more (pipe(7), "Pipe capacity").
constexpr std::size_t kMostTokens = 4096;
constexpr int kPauseMilliseconds = 10;

}  // namespace

std::vector<std::size_t> fair_shares(std::size_t free, std::span<const std::size_t> most) {
  std::vector<std::size_t> shares(most.size());
  while (free > 0) {
    const auto wants = [&](std::size_t i) { return shares[i] < most[i]; };
    std::size_t wanting = 0;
    for (std::size_t i = 0; i < most.size(); ++i) wanting += wants(i) ? 1U : 0U;
    if (wanting == 0) break;
    const std::size_t each = std::max<std::size_t>(free / wanting, 1);
    for (std::size_t i = 0; i < most.size() && free > 0; ++i) {
      const std::size_t more = std::min({each, most[i] - shares[i], free});
      shares[i] += more;
      free -= more;
    }
  }
  return shares;
}

void JobTokens::Stage::settle() {
  if (lent < share) {
    const std::string tokens(share - lent, '+');
    const ssize_t written = ::write(fifo.get(), tokens.data(), tokens.size());
    if (written > 0) lent += static_cast<std::size_t>(written);
  } else if (lent > share) {
    std::string tokens(lent - share, '\0');
    // NOLINTNEXTLINE(clang-analyzer-unix.BlockInCriticalSection): the FIFO does not block.
    const ssize_t got = ::read(fifo.get(), tokens.data(), tokens.size());
    if (got > 0) lent -= static_cast<std::size_t>(got);
  }
}

JobTokens::Loan::~Loan() {
  if (tokens_ == nullptr) return;
  const std::scoped_lock lock(tokens_->mutex_);
  tokens_->stages_.erase(stage_);
  tokens_->share_out();
}

JobTokens::~JobTokens() {
  if (!thread_.joinable()) return;
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  (void)::eventfd_write(wake_.get(), 1);
  thread_.join();
}

void JobTokens::set_free(std::size_t slots) {
  const std::scoped_lock lock(mutex_);
  if (free_ == slots) return;
  free_ = slots;
  share_out();
}

base::Result<JobTokens::Loan> JobTokens::lend(base::UniqueFd fifo, std::size_t most) {
  const std::scoped_lock lock(mutex_);
  if (!thread_.joinable()) TRY(start_watching());
  stages_.push_back({std::move(fifo), std::min(most, kMostTokens)});
  const auto stage = std::prev(stages_.end());
  share_out();
  return Loan(*this, stage);
}

base::Result<void> JobTokens::start_watching() {
  wake_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake_) return base::errno_error("create an eventfd for the jobserver");
  thread_ = TRY(base::start_thread("create a thread for the jobserver", [this] { watch(); }));
  return {};
}

void JobTokens::share_out() {
  if (stages_.empty()) return;
  std::vector<std::size_t> most;
  most.reserve(stages_.size());
  for (const Stage& stage : stages_) most.push_back(stage.most);
  const std::vector<std::size_t> shares = fair_shares(free_, most);
  bool owed = false;
  std::size_t next = 0;
  for (Stage& stage : stages_) {
    stage.share = shares[next++];
    stage.settle();
    owed = owed || stage.lent > stage.share;
  }
  if (owed) (void)::eventfd_write(wake_.get(), 1);
}

// Waits for tokens that are due back to be returned by those who used them.
void JobTokens::watch() {
  std::vector<base::UniqueFd> owing;
  while (collect(owing)) {
    std::vector<struct pollfd> polled{{wake_.get(), POLLIN, 0}};
    for (const base::UniqueFd& fifo : owing) polled.push_back({fifo.get(), POLLIN, 0});
    (void)::poll(polled.data(), polled.size(), -1);
    eventfd_t count = 0;
    (void)::eventfd_read(wake_.get(), &count);
    // A stage that writes and reads all the time must not keep us as busy as itself.
    if (polled.front().revents == 0) (void)::poll(polled.data(), 1, kPauseMilliseconds);
  }
}

// False at the end. What is owed still is owed by these; a stage that ends closes its own.
bool JobTokens::collect(std::vector<base::UniqueFd>& owing) {
  owing.clear();
  const std::scoped_lock lock(mutex_);
  for (Stage& stage : stages_) {
    stage.settle();
    if (stage.lent > stage.share) owing.emplace_back(::fcntl(stage.fifo.get(), F_DUPFD_CLOEXEC, 0));
  }
  return !stopping_;
}

}  // namespace stagebox::scheduler
