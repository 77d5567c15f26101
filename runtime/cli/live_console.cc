#include "runtime/cli/live_console.h"

#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <sstream>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/base/files.h"
#include "runtime/cli/live_board.h"
#include "runtime/cli/text_width.h"
#include "runtime/cli/window_size.h"

namespace stagebox::cli {
namespace {

using Clock = std::chrono::steady_clock;
using scheduler::StageState;
using std::chrono::milliseconds;

constexpr milliseconds kBetweenDraws{200};

// Nothing is drawn for so long only while the process is stopped (Ctrl-Z). Then a shell wrote to
// the terminal, and what was drawn is not where it was.
constexpr milliseconds kStopped{1000};

// In the background the terminal is a shell's.
bool is_in_foreground(int fd) {
  const pid_t group = ::tcgetpgrp(fd);
  return group < 0 || group == ::getpgrp();
}

BoardSize size_of(int fd) {
  const auto size = window_size(fd);
  if (!size || size->ws_row == 0) return {};
  return {size->ws_col, size->ws_row};
}

class LiveConsole final : public run::RunListener {
 public:
  LiveConsole(int fd, const scheduler::Plan& plan, unsigned jobs, Colour colour,
              scheduler::CancelToken cancel)
      : fd_(fd),
        colour_(colour),
        cancel_(std::move(cancel)),
        board_(plan, jobs, Clock::now()),
        plain_(make_console(text_, plan, colour)) {}
  ~LiveConsole() override { stop(); }
  LiveConsole(const LiveConsole&) = delete;
  LiveConsole& operator=(const LiveConsole&) = delete;

  void on_run_started(const std::string& run_id) override {
    const std::scoped_lock lock(mutex_);
    plain_->on_run_started(run_id);
    redraw();
    try {
      thread_ = std::thread([this] { keep_drawing(); });
    } catch (const std::system_error&) {
      return;  // Then it is redrawn when something happens.
    }
  }

  void on_estimates(const scheduler::StageEstimates& estimates) override {
    const std::scoped_lock lock(mutex_);
    board_.set_estimates(estimates);
  }

  void on_stage(const scheduler::PlannedStage& planned, const scheduler::StageOutcome& outcome,
                const run::StageRecord* record, milliseconds elapsed) override {
    const std::scoped_lock lock(mutex_);
    board_.on_stage(planned, outcome, Clock::now());
    // That a stage runs, or waits, is seen on the board.
    const bool on_board =
        outcome.state == StageState::kRunning || outcome.state == StageState::kReady;
    if (!on_board) plain_->on_stage(planned, outcome, record, elapsed);
    // Many may be taken from the cache in a moment.
    if (Clock::now() - drawn_at_ < kBetweenDraws && outcome.state == StageState::kCached) return;
    redraw();
  }

  [[nodiscard]] bool wants_output() const override { return true; }
  void on_output(const scheduler::PlannedStage& planned,
                 const std::shared_ptr<const logs::LogWatch>& output) override {
    const std::scoped_lock lock(mutex_);
    board_.on_output(planned, [output] { return output->last_line(); });
  }

  void on_warning(const std::string& text) override {
    const std::scoped_lock lock(mutex_);
    plain_->on_warning(text);
    redraw();
  }

  void on_run_finished(const scheduler::RunSummary& summary, milliseconds elapsed) override {
    stop();
    const std::scoped_lock lock(mutex_);
    plain_->on_run_finished(summary, elapsed);
    write(erased() + taken());
  }

 private:
  void keep_drawing() {
    std::unique_lock lock(mutex_);
    while (!changed_.wait_for(lock, kBetweenDraws, [this] { return ended_; })) redraw();
  }

  void stop() {
    {
      const std::scoped_lock lock(mutex_);
      ended_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
    const std::scoped_lock lock(mutex_);
    write(erased() + taken());
  }

  /// What the plain console has said since the last time.
  std::string taken() {
    std::string text = std::move(text_).str();
    text_ = {};
    return text;
  }

  /// What takes the board away. After the window has become narrower its lines take more rows.
  std::string erased() {
    const bool was_stopped = thread_.joinable() && Clock::now() - drawn_at_ > kStopped;
    if (was_stopped || !is_in_foreground(fd_)) drawn_.clear();
    const std::size_t width = size_of(fd_).columns;
    std::size_t rows = 0;
    for (const std::string& line : drawn_)
      rows += std::max<std::size_t>((columns_of(line) + width - 1) / width, 1);
    drawn_.clear();
    return rows == 0 ? "" : "\x1b[" + std::to_string(rows) + "A\r\x1b[J";
  }

  void redraw() {
    if (!is_in_foreground(fd_)) return write(erased() + taken());
    BoardSize size = size_of(fd_);
    // A terminal wraps at the last column.
    size.columns = std::max<std::size_t>(size.columns, 2) - 1;
    board_.set_cancelled(cancel_.cancelled());
    auto lines = board_.lines(Clock::now(), size, colour_);
    std::string below = taken();
    for (const std::string& line : lines) below += line + "\n";
    // Nothing lies between a look at the time and what is written: we may be stopped anywhere.
    const std::string out = erased() + below;
    drawn_ = std::move(lines);
    drawn_at_ = Clock::now();
    write(out);
  }

  void write(const std::string& text) const {
    if (!text.empty()) (void)base::write_all(fd_, text);
  }

  int fd_;
  Colour colour_;
  scheduler::CancelToken cancel_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ended_ = false;
  LiveBoard board_;
  std::ostringstream text_;
  std::unique_ptr<run::RunListener> plain_;
  std::vector<std::string> drawn_;
  Clock::time_point drawn_at_;
  std::thread thread_;
};

}  // namespace

bool can_be_live(int fd) {
  const char* term = std::getenv("TERM");
  return ::isatty(fd) == 1 && term != nullptr && *term != '\0' && std::string_view(term) != "dumb";
}

std::unique_ptr<run::RunListener> make_live_console(int fd, const scheduler::Plan& plan,
                                                    unsigned jobs, Colour colour,
                                                    scheduler::CancelToken cancel) {
  return std::make_unique<LiveConsole>(fd, plan, jobs, colour, std::move(cancel));
}

}  // namespace stagebox::cli
