#include "sandbox/cgroup/oom_events.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "runtime/base/files.h"
#include "sandbox/cgroup/cgroup_files.h"

namespace stagebox::sandbox {
namespace {

using base::Result;
using base::UniqueFd;

// "<event_fd> <fd of memory.oom_control>" (cgroup-v1/memory.rst, "OOM Control").
Result<UniqueFd> register_event(const std::string& dir) {
  const UniqueFd control = TRY(base::open_path(dir + "/memory.oom_control", O_RDONLY));
  UniqueFd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event) return base::errno_error("make an event descriptor");
  TRY(write_value(dir, "cgroup.event_control",
                  std::to_string(event.get()) + " " + std::to_string(control.get())));
  return event;
}

std::uint64_t take(const UniqueFd& event) {
  std::uint64_t count = 0;
  return ::read(event.get(), &count, sizeof(count)) == sizeof(count) ? count : 0;
}

}  // namespace

Result<OomEvents> OomEvents::watch(const std::string& dir, const std::string& parent) {
  OomEvents events;
  // The other way round an event between the two would look like one of the cgroup's own.
  events.parent_ = TRY(register_event(parent));
  events.own_ = TRY(register_event(dir));
  return events;
}

std::uint64_t OomEvents::own_limit() {
  // In this order: what comes between the two reads is counted for the parent, at worst.
  own_count_ += take(own_);
  parent_count_ += take(parent_);
  return own_count_ > parent_count_ ? own_count_ - parent_count_ : 0;
}

}  // namespace stagebox::sandbox
