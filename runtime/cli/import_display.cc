#include "runtime/cli/import_display.h"

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <string_view>
#include <system_error>

#include "runtime/base/files.h"
#include "runtime/cli/window_size.h"

namespace stagebox::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Long enough for an import that is not worth a word, short enough to be seen to do something.
constexpr milliseconds kLiveAfter{400};
constexpr milliseconds kLiveBetween{100};
constexpr seconds kPlainAfter{5};
constexpr seconds kPlainBetween{15};
constexpr std::size_t kUsualWidth = 80;

bool is_live_terminal(int fd) {
  const char* term = std::getenv("TERM");
  return ::isatty(fd) == 1 && term != nullptr && std::string_view(term) != "dumb";
}

Colour wanted_colour(bool is_live) {
  const char* no_color = std::getenv("NO_COLOR");
  return is_live && (no_color == nullptr || *no_color == '\0') ? Colour::kYes : Colour::kNo;
}

}  // namespace

ImportDisplay::ImportDisplay(int fd)
    : fd_(fd), is_live_(is_live_terminal(fd)), colour_(wanted_colour(is_live_)) {}

void ImportDisplay::started(const std::string& name, const images::ImportProgress& progress) {
  ended();
  write(std::exchange(first_, {}));
  name_ = name;
  progress_ = &progress;
  ended_ = false;
  try {
    thread_ = std::thread([this] { watch(); });
  } catch (const std::system_error&) {
    return;  // nobody is told, that is all
  }
}

void ImportDisplay::ended() {
  if (!thread_.joinable()) return;
  {
    const std::scoped_lock lock(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void ImportDisplay::watch() {
  const auto start = Clock::now();
  auto next = start + (is_live_ ? Clock::duration(kLiveAfter) : Clock::duration(kPlainAfter));
  RateMeter meter;
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, kLiveBetween, [this] { return ended_; })) {
    const auto now = Clock::now();
    meter.add(now, progress_->bytes_read);
    if (now < next) continue;
    next = now + (is_live_ ? Clock::duration(kLiveBetween) : Clock::duration(kPlainBetween));
    const auto moment = ImportMoment::of(name_, *progress_, meter.rate());
    is_live_ ? draw(moment) : say(moment);
  }
  if (is_drawn_) write("\r\x1b[K");
  is_drawn_ = false;
}

// One column stays free: a terminal wraps at the last one.
void ImportDisplay::draw(const ImportMoment& moment) {
  write("\r\x1b[K" + live_line(moment, width() - 1, colour_));
  is_drawn_ = true;
}

void ImportDisplay::say(const ImportMoment& moment) {
  write("stagebox: " + plain_line(moment) + "\n");
}

std::size_t ImportDisplay::width() const {
  const auto size = window_size(fd_);
  return size ? size->ws_col : kUsualWidth;
}

void ImportDisplay::write(const std::string& text) const { (void)base::write_all(fd_, text); }

}  // namespace stagebox::cli
