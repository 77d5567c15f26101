#include "runtime/test_reports/telling_lines.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "runtime/test_reports/clean_text.h"

namespace stagebox::test_reports {
namespace {

constexpr std::size_t kMost = 4;
// Before each line of what went wrong (pytest).
constexpr std::string_view kErrorMark = "E   ";
// Which test runs or has failed (go test): the case's name says it.
constexpr std::array<std::string_view, 6> kFrames{"=== RUN",  "=== PAUSE", "=== CONT",
                                                  "=== NAME", "--- FAIL",  "--- SKIP"};
// Where a stack trace begins (JavaScript and Java; Go).
constexpr std::array<std::string_view, 2> kTraces{"at ", "goroutine "};

template <std::size_t kSize>
bool begins_with_one(std::string_view line, const std::array<std::string_view, kSize>& words) {
  return std::ranges::any_of(words, [line](auto word) { return line.starts_with(word); });
}

// Calls `take` for each line until it returns false.
template <typename Take>
void each_line(std::string_view text, const Take& take) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (!take(text.substr(0, end)) || end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

class Lines {
 public:
  /// False when there is room for no more.
  bool add(std::string_view line) {
    text_ += (count_ == 0 ? "" : "\n") + one_line(line);
    return ++count_ < kMost;
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
  std::size_t count_ = 0;
};

std::string marked_lines(std::string_view text) {
  Lines lines;
  each_line(text, [&lines](std::string_view line) {
    if (!line.starts_with(kErrorMark)) return true;
    line.remove_prefix(kErrorMark.size());
    return is_blank(line) || lines.add(line);
  });
  return lines.take();
}

}  // namespace

std::string telling_lines(std::string_view text) {
  if (auto marked = marked_lines(text); !marked.empty()) return marked;
  Lines lines;
  each_line(text, [&lines](std::string_view line) {
    const std::string trimmed = one_line(line);
    if (trimmed.empty() || begins_with_one(trimmed, kFrames)) return true;
    return !begins_with_one(trimmed, kTraces) && lines.add(trimmed);
  });
  return lines.take();
}

}  // namespace stagebox::test_reports
