// The end of what a stage wrote, however it came.
#include "runtime/logs/last_lines.h"

#include <gmock/gmock.h>

#include <random>

#include "runtime/logs/line_assembler.h"

namespace stagebox::logs {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r\v\f") == std::string_view::npos;
}

// "e:" for stderr, ">" for what is cut.
std::vector<std::string> shown(const LastLines& lines) {
  std::vector<std::string> shown;
  for (const TailLine& line : lines.tail()) {
    if (line.text.empty())
      shown.emplace_back();
    else
      shown.push_back((line.stream == Stream::kStderr ? "e:" : "") + line.text +
                      (line.is_cut ? ">" : ""));
  }
  return shown;
}

// All lines, as `stagebox logs` shows them, and of those the last.
class AllLines {
 public:
  void add(Stream stream, std::string_view text) {
    const auto kind = stream == Stream::kStderr ? RecordKind::kStderr : RecordKind::kStdout;
    ASSERT_TRUE(lines_.add({kind, std::nullopt, std::as_bytes(std::span(text))}).ok());
  }
  std::vector<std::string> last() {
    EXPECT_TRUE(lines_.finish().ok());
    while (!all_.empty() && all_.back().empty()) all_.pop_back();
    if (all_.size() > LastLines::kMost) all_.erase(all_.begin(), all_.end() - LastLines::kMost);
    return all_;
  }

 private:
  std::vector<std::string> all_;
  LineAssembler lines_{[this](const Line& line) -> base::Result<void> {
    const std::string stream = line.kind == RecordKind::kStderr ? "e:" : "";
    all_.push_back(is_blank(line.text) ? "" : stream + std::string(line.text));
    return {};
  }};
};

TEST(LastLines, EachStreamHasItsOwn) {
  LastLines lines;
  EXPECT_THAT(shown(lines), IsEmpty());
  lines.add(Stream::kStdout, "compiling a.c ...");
  lines.add(Stream::kStderr, "warning: x\n");
  lines.add(Stream::kStdout, "done\n");
  EXPECT_THAT(shown(lines), ElementsAre("e:warning: x", "compiling a.c ...done"));
  lines.add(Stream::kStderr, "no end");
  lines.add(Stream::kStdout, "none either");
  EXPECT_THAT(shown(lines),
              ElementsAre("e:warning: x", "compiling a.c ...done", "none either", "e:no end"));
}

TEST(LastLines, AreAsManyAsAreWanted) {
  std::string text;
  for (int i = 0; i < 40000; ++i) text += std::to_string(i) + "\n";
  LastLines at_once;
  at_once.add(Stream::kStderr, "before");
  at_once.add(Stream::kStdout, text);
  LastLines singly;
  for (int i = 0; i < 5000; ++i) singly.add(Stream::kStdout, std::to_string(i) + "\n");
  EXPECT_THAT(at_once.tail(), SizeIs(LastLines::kMost));
  EXPECT_EQ(at_once.tail().front().text, "39971");
  EXPECT_EQ(at_once.tail().back().text, "before") << "it has no end";
  EXPECT_THAT(singly.tail(), SizeIs(LastLines::kMost));
  EXPECT_EQ(singly.tail().front().text, "4970");
}

TEST(LastLines, EmptyOnesBehindTheLastDoNotCount) {
  LastLines lines;
  lines.add(Stream::kStdout, "error\n\nhere\n");
  for (int i = 0; i < 100; ++i) lines.add(Stream::kStderr, i % 2 == 0 ? "\n" : " \t\r\n\n");
  lines.add(Stream::kStdout, std::string(1 << 20, '\n') + "\x1b[0m\n\x1b[m");
  EXPECT_THAT(shown(lines), ElementsAre("error", "", "here"));
  lines.add(Stream::kStdout, "x");
  EXPECT_THAT(lines.tail(), SizeIs(LastLines::kMost)) << "now they are in between";
  EXPECT_EQ(lines.tail().back().text, "\x1b[mx");
}

TEST(LastLines, ALongLineKeepsItsBeginningAndHidesNoOther) {
  LastLines lines;
  lines.add(Stream::kStdout, "error\n");
  for (int i = 0; i < 5; ++i) lines.add(Stream::kStdout, std::string(1 << 16, 'x'));
  lines.add(Stream::kStdout, "\nlast\n");
  EXPECT_THAT(shown(lines),
              ElementsAre("error", std::string(LastLines::kLongest, 'x') + ">", "last"));
  // Two bytes each, after one: no half of a character stays.
  std::string accented = "a";
  for (std::size_t i = 0; i < LastLines::kLongest; ++i) accented += "\xc3\xa9";
  lines.add(Stream::kStdout, accented);
  EXPECT_THAT(lines.tail().back().text, SizeIs(LastLines::kLongest - 1));
  EXPECT_TRUE(lines.tail().back().is_cut);
  lines.add(Stream::kStdout, "\rtaken back");
  EXPECT_EQ(lines.tail().back().text, "taken back");
  EXPECT_FALSE(lines.tail().back().is_cut);
}

TEST(LastLines, AreThoseThatTheLogShows) {
  std::mt19937 random(20261);
  const auto below = [&](std::size_t limit) { return random() % limit; };
  constexpr std::string_view kAlphabet = "ab\n\n\r c";
  for (int round = 0; round < 3000; ++round) {
    LastLines lines;
    AllLines all;
    for (std::size_t chunks = below(30); chunks > 0; --chunks) {
      const Stream stream = below(2) == 0 ? Stream::kStdout : Stream::kStderr;
      std::string text;
      for (std::size_t i = below(round % 3 == 0 ? 300 : 6); i > 0; --i)
        text += kAlphabet[below(kAlphabet.size())];
      lines.add(stream, text);
      all.add(stream, text);
    }
    ASSERT_EQ(shown(lines), all.last()) << round;
  }
}

}  // namespace
}  // namespace stagebox::logs
