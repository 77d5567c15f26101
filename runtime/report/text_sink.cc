#include "runtime/report/text_sink.h"

#include <fcntl.h>

#include <csignal>
#include <ctime>
#include <utility>

#include "runtime/base/files.h"
#include "runtime/base/printable.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::report {
namespace {

using base::Result;

class StreamSink final : public TextSink {
 public:
  explicit StreamSink(std::ostream& out) : out_(out) {}
  void write(std::string_view text) override { out_ << text << std::flush; }
  Result<void> finish() override { return {}; }

 private:
  std::ostream& out_;
};

// While it lives, a write of this thread to a pipe that nobody reads fails with EPIPE and does not
// kill the process, with its run (signal(7): SIGPIPE goes to the thread that wrote).
class NoPipeSignal {
 public:
  NoPipeSignal() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~NoPipeSignal() {
    constexpr timespec kNoWait{};
    if (sigismember(&before_, SIGPIPE) == 1) return;
    sigtimedwait(&pipe_, nullptr, &kNoWait);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoPipeSignal(const NoPipeSignal&) = delete;
  NoPipeSignal& operator=(const NoPipeSignal&) = delete;

 private:
  sigset_t pipe_{};
  sigset_t before_{};
};

class FileSink final : public TextSink {
 public:
  FileSink(base::UniqueFd file, std::string name)
      : file_(std::move(file)), name_(std::move(name)) {}

  void write(std::string_view text) override {
    const NoPipeSignal quiet;
    if (failure_.ok()) failure_ = base::write_all(file_.get(), text);
  }

  Result<void> finish() override {
    if (failure_.ok()) return {};
    return failure_.error().with_context("write the " + name_);
  }

  [[nodiscard]] int fd() const override { return file_.get(); }

 private:
  base::UniqueFd file_;
  std::string name_;
  Result<void> failure_;
};

}  // namespace

std::unique_ptr<TextSink> sink_to(std::ostream& out) { return std::make_unique<StreamSink>(out); }

Result<std::unique_ptr<TextSink>> sink_to_file(const std::string& path,
                                               const std::string& purpose) {
  std::string name = purpose + " to " + base::printable(path);
  base::UniqueFd file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0644));
  if (!file) return base::errno_error("write the " + name);
  return std::unique_ptr<TextSink>(std::make_unique<FileSink>(std::move(file), std::move(name)));
}

}  // namespace stagebox::report
