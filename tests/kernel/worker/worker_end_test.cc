// Who ended a worker: what it was given to read, or somebody else. Only the second is no fault of
// whoever made the input.
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <fstream>
#include <thread>

#include "runtime/base/files.h"
#include "runtime/run/engine/report_reader.h"
#include "runtime/run/engine/worker_ids.h"
#include "sandbox/worker/worker_server.h"
#include "tests/kernel/worker/worker_fixture.h"

namespace stagebox::testing {
namespace {

using sandbox::WorkerEnd;

class WorkerEndTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto ids = run::WorkerIds::get(worker_machine().ids);
    ASSERT_TRUE(ids.ok()) << ids.error().message;
    ids_ = std::make_unique<run::WorkerIds>(std::move(*ids));
  }
  sandbox::Worker start(const sandbox::WorkerServer& server, WayToEnd how = WayToEnd::kExit) {
    const auto request = static_cast<std::byte>(how);
    sandbox::WorkerServer::Task task;
    task.request = std::span(&request, 1);
    task.user_namespace = ids_->user_namespace();
    task.deny_setgroups = worker_machine().ids->kind() == sandbox::HostIds::Kind::kSingle;
    task.memory_bytes = 1UL << 30U;
    task.cpu_seconds = 1;
    task.file_bytes = 1UL << 20U;
    auto worker = server.start_worker(task);
    EXPECT_TRUE(worker.ok()) << worker.error().message;
    return std::move(*worker);
  }
  std::unique_ptr<run::WorkerIds> ids_;
};

std::vector<int> children_of(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/task/" + pid + "/children");
  std::vector<int> children;
  for (int child = 0; file >> child;) children.push_back(child);
  return children;
}

// Every worker of this process: those two below its servers. They have taken their power off, which
// they do not do in a moment: who is killed before never had the input.
bool kill_workers() {
  bool any = false;
  const std::string self = std::to_string(::getpid());
  for (const int server : children_of(self)) {
    for (const int parent : children_of(std::to_string(server))) {
      for (const int worker : children_of(std::to_string(parent)))
        any = ::kill(worker, SIGKILL) == 0 || any;
    }
  }
  return any;
}

TEST_F(WorkerEndTest, SomebodyKilledIt) {
  const sandbox::Worker worker = start(*worker_machine().waiting);
  worker.kill();
  EXPECT_EQ(worker.end(), WorkerEnd::kOthers);
}

TEST_F(WorkerEndTest, WhateverItReadMadeItEnd) {
  for (const WayToEnd how : {WayToEnd::kExit, WayToEnd::kTrap, WayToEnd::kProcessorTime}) {
    const sandbox::Worker worker = start(*worker_machine().ending, how);
    EXPECT_EQ(worker.end(), WorkerEnd::kItself) << static_cast<int>(how);
  }
  const sandbox::Worker worker = start(*worker_machine().dying);
  EXPECT_EQ(worker.end(), WorkerEnd::kItself);
}

// It cannot tell of itself that it was killed, and be tried again for ever.
TEST_F(WorkerEndTest, WhoOnlyFallsSilentWasNotKilled) {
  const sandbox::Worker worker = start(*worker_machine().ending, WayToEnd::kSilence);
  std::array<char, 1> none{};
  EXPECT_EQ(::read(worker.socket(), none.data(), none.size()), 0);
  EXPECT_EQ(worker.end(), WorkerEnd::kItself);
  worker.kill();
  worker.wait();
}

// Of the process between the server and the worker: with it the worker is killed.
TEST_F(WorkerEndTest, ItsParentWasKilled) {
  const sandbox::Worker worker = start(*worker_machine().waiting);
  bool any = false;
  const std::string self = std::to_string(::getpid());
  for (const int server : children_of(self)) {
    for (const int parent : children_of(std::to_string(server)))
      any = ::kill(parent, SIGKILL) == 0 || any;
  }
  EXPECT_TRUE(any);
  EXPECT_EQ(worker.end(), WorkerEnd::kOthers);
}

TEST_F(WorkerEndTest, AReaderOfReportsThatWasKilledIsNoBadReport) {
  std::jthread killer([](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      (void)kill_workers();
      std::this_thread::yield();
    }
  });
  run::ReportFile file;
  file.format = scheduler::ReportFormat::kTap;
  file.file = base::UniqueFd(::memfd_create("report", MFD_CLOEXEC));
  std::vector<run::ReportFile> files;
  files.push_back(std::move(file));
  const run::ReportReader reader(*worker_machine().waiting, worker_machine().ids);
  for (const auto& error : {reader.read(files).error(), reader.read_coverage(files).error()}) {
    EXPECT_EQ(error.kind, base::ErrorKind::kSystem);
    EXPECT_NE(error.message.find("was killed by signal 9"), std::string::npos) << error.message;
  }
}

}  // namespace
}  // namespace stagebox::testing
