#include "tests/kernel/worker/worker_fixture.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <future>
#include <iostream>

#include "images/layer/unpack_message.h"
#include "runtime/base/files.h"
#include "runtime/coverage/coverage_codec.h"
#include "runtime/run/engine/worker_tasks.h"
#include "runtime/test_reports/report_codec.h"
#include "tests/support/test_role.h"

namespace stagebox::testing {
namespace {

WorkerMachine*& the_machine() {
  static WorkerMachine* machine = nullptr;
  return machine;
}

void lie(const sandbox::WorkerInput& input) {
  images::UnpackReply reply{};
  reply.kind = 'r';
  reply.failed = 1;
  reply.error_kind = 999;
  constexpr std::string_view kText = "\x1b]0;owned\x07 \xc2\x9b too";
  kText.copy(reply.message.data(), kText.size());
  (void)!::write(input.socket, &reply, sizeof(reply));
}

// Well-formed, and said to be all that there is.
void tell_of_none(const sandbox::WorkerInput& input) {
  const bool is_coverage =
      input.request.front() == static_cast<std::byte>(run::WorkerTask::kReadCoverage);
  const std::string nothing =
      is_coverage ? coverage::encode_coverage({}) : test_reports::encode_reports({});
  if (!base::write_all(input.fds.front().get(), nothing).ok()) return;
  (void)!::write(input.socket, "r", 1);
}

void die(const sandbox::WorkerInput& input) {
  if (input.fds.size() > 1) {
    (void)::openat(input.fds[1].get(), "fs/half", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  }
  // Not by a signal of its own: pid 1 is spared those.
  *static_cast<volatile int*>(nullptr) = 1;
}

void wait_for_ever(const sandbox::WorkerInput& input) {
  std::array<std::byte, 1> none{};
  while (::read(input.socket, none.data(), none.size()) > 0) {
  }
}

void end_so(const sandbox::WorkerInput& input) {
  switch (static_cast<WayToEnd>(input.request.front())) {
    case WayToEnd::kExit:
      return;
    case WayToEnd::kTrap:
      __builtin_trap();
    case WayToEnd::kSilence:
      (void)::close(input.socket);
      std::promise<void>().get_future().wait();
      return;
    case WayToEnd::kProcessorTime:
      for (const volatile bool goes_on = true; goes_on;) {
      }
  }
}

using Server = std::unique_ptr<sandbox::WorkerServer>;

base::Result<WorkerMachine> make_machine() {
  WorkerMachine machine;
  (void)::setenv("STAGEBOX_TEST_SECRET", "hush", 1);
  machine.ids = TRY(sandbox::HostIds::acquire());
  machine.honest = TRY(sandbox::WorkerServer::start(run::run_worker_task));
  machine.hostile = TRY(sandbox::WorkerServer::start(attack));
  machine.lying = TRY(sandbox::WorkerServer::start(lie));
  machine.empty = TRY(sandbox::WorkerServer::start(tell_of_none));
  machine.dying = TRY(sandbox::WorkerServer::start(die));
  machine.waiting = TRY(sandbox::WorkerServer::start(wait_for_ever));
  machine.ending = TRY(sandbox::WorkerServer::start(end_so));
  // As in the product, which becomes undumpable with it.
  machine.fork_server = TRY(sandbox::ForkServer::start());
  return machine;
}

}  // namespace

WorkerMachine& worker_machine() { return *the_machine(); }

}  // namespace stagebox::testing

int main(int argc, char** argv) {
  namespace testing = stagebox::testing;
  ::testing::InitGoogleTest(&argc, argv);
  if (::testing::GTEST_FLAG(list_tests)) return RUN_ALL_TESTS();
  const auto role = testing::assume_test_role();
  if (!role.ok() && role.error().kind == stagebox::base::ErrorKind::kUnsupported) {
    // In the words that mark a skipped test.
    std::cout << "[  SKIPPED ] " << role.error().message << '\n';
    return 0;
  }
  auto machine = role.ok() ? testing::make_machine()
                           : stagebox::base::Result<testing::WorkerMachine>(role.error());
  if (!machine.ok()) {
    std::cerr << machine.error().message << '\n';
    return 1;
  }
  testing::the_machine() = &*machine;
  return RUN_ALL_TESTS();
}
