#include "scheduler/cancel_token.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

namespace stagebox::scheduler {

base::Result<CancelToken> CancelToken::create() {
  auto state = std::make_shared<State>();
  state->event.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!state->event.valid()) return base::errno_error("create an eventfd to cancel stages with");
  return CancelToken(std::move(state));
}

void CancelToken::cancel() const {
  if (!state_->stop.request_stop()) return;
  const std::uint64_t one = 1;
  // Cannot fail: the counter is 0, so there is room for 1 and the call does not block.
  [[maybe_unused]] const ssize_t written = ::write(state_->event.get(), &one, sizeof(one));
}

bool CancelToken::cancelled() const { return state_->stop.stop_requested(); }

int CancelToken::poll_fd() const { return state_->event.get(); }

std::stop_token CancelToken::stop_token() const { return state_->stop.get_token(); }

}  // namespace stagebox::scheduler
