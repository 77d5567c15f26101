#include "scheduler/cancel_token.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

namespace stagebox::scheduler {
namespace {

// It can fail only where it is readable already: when the counter is at its end.
void make_readable(const base::UniqueFd& event) {
  const std::uint64_t one = 1;
  (void)!::write(event.get(), &one, sizeof(one));
}

}  // namespace

base::Result<CancelToken> CancelToken::create() {
  auto state = std::make_shared<State>();
  for (base::UniqueFd* event : {&state->event, &state->hurry}) {
    event->reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!event->valid()) return base::errno_error("create an eventfd to cancel stages with");
  }
  return CancelToken(std::move(state));
}

void CancelToken::cancel() const {
  if (state_->stop.request_stop()) make_readable(state_->event);
}

void CancelToken::hurry() const {
  cancel();
  make_readable(state_->hurry);
}

int CancelToken::hurry_fd() const { return state_->hurry.get(); }

bool CancelToken::cancelled() const { return state_->stop.stop_requested(); }

int CancelToken::poll_fd() const { return state_->event.get(); }

std::stop_token CancelToken::stop_token() const { return state_->stop.get_token(); }

}  // namespace stagebox::scheduler
