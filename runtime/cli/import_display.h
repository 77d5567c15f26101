// ImportDisplay: tells on standard error how far an import is, while it goes on: a line that lives
// on a terminal, a plain one now and then elsewhere. A short import is not worth a word.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "images/base/import_progress.h"
#include "runtime/cli/console.h"
#include "runtime/cli/import_line.h"
#include "runtime/run/stage/import_watch.h"

namespace stagebox::cli {

class ImportDisplay final : public run::ImportWatch {
 public:
  /// How it speaks is decided by what `fd` is: a terminal, and which (TERM, NO_COLOR).
  explicit ImportDisplay(int fd = 2);
  ~ImportDisplay() override { ended(); }
  ImportDisplay(const ImportDisplay&) = delete;
  ImportDisplay& operator=(const ImportDisplay&) = delete;

  /// Said once, when the first import starts; may be empty.
  void tell_first(std::string text) { first_ = std::move(text); }

  void started(const std::string& name, const images::ImportProgress& progress) override;
  /// Takes the line away.
  void ended() override;

 private:
  using Clock = std::chrono::steady_clock;

  void watch();
  void draw(const ImportMoment& moment);
  void say(const ImportMoment& moment);
  [[nodiscard]] std::size_t width() const;
  void write(const std::string& text) const;

  int fd_;
  bool is_live_;
  Colour colour_;
  std::string first_;
  std::string name_;
  const images::ImportProgress* progress_ = nullptr;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ended_ = false;
  bool is_drawn_ = false;
  std::thread thread_;
};

}  // namespace stagebox::cli
