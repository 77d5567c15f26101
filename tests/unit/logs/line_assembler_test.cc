// Lines made of chunks, however these are cut.
#include "runtime/logs/line_assembler.h"

#include <gmock/gmock.h>

namespace stagebox::logs {
namespace {

using ::testing::ElementsAre;

class LineAssemblerTest : public ::testing::Test {
 protected:
  void add(std::string_view text, RecordKind kind = RecordKind::kStdout, std::int64_t time = 0) {
    const auto added = lines_.add({kind, LogTime{time, time}, std::as_bytes(std::span(text))});
    ASSERT_TRUE(added.ok());
  }
  void finish() { ASSERT_TRUE(lines_.finish().ok()); }
  // "e" for stderr, "n" for notices; "<" where it does not begin, ">" where it does not end.
  std::vector<std::string> take() { return std::exchange(found_, {}); }

  std::vector<std::string> found_;
  std::vector<std::int64_t> times_;
  LineAssembler lines_{[this](const Line& line) -> base::Result<void> {
    EXPECT_LE(line.text.size(), LineAssembler::kMaxPiece);
    std::string shown = line.begins ? "" : "<";
    if (line.kind == RecordKind::kStderr) shown += "e:";
    if (line.kind == RecordKind::kNotice) shown += "n:";
    shown += line.is_unknown ? "?" : line.text;
    if (!line.ends) shown += ">";
    found_.push_back(shown);
    times_.push_back(line.time ? line.time->wall : -1);
    return {};
  }};
};

TEST_F(LineAssemblerTest, LinesOfTwoStreamsDoNotCutEachOther) {
  add("one\ntw", RecordKind::kStdout, 1);
  add("err", RecordKind::kStderr, 2);
  add("of ours", RecordKind::kNotice, 3);
  add("o\n\nrest", RecordKind::kStdout, 4);
  add("or\n", RecordKind::kStderr, 5);
  finish();
  EXPECT_THAT(take(), ElementsAre("one", "n:of ours", "two", "", "e:error", "rest>"));
  EXPECT_THAT(times_, ElementsAre(1, 3, 1, 4, 2, 4)) << "when a line began";
}

TEST_F(LineAssemblerTest, ALineWhoseBeginningWasNotSeenIsNotTold) {
  lines_.begin_within({false, true});
  add("rest of it");
  add("known\n", RecordKind::kStderr);
  add(" and more\nnext\n");
  EXPECT_THAT(take(), ElementsAre("e:known", "<?", "next"));
  lines_.begin_within({true, false});
  add("whole\n");
  add("rest", RecordKind::kStderr);
  finish();
  EXPECT_THAT(take(), ElementsAre("whole", "<e:?>"));
  add("as new\n", RecordKind::kStderr);
  EXPECT_THAT(take(), ElementsAre("e:as new"));
}

TEST_F(LineAssemblerTest, ACarriageReturnTakesBack) {
  const std::string text = "10%\r20%\r100%\ndos\r\n\r\r\nkept\rback\r\nlast\r";
  const std::vector<std::string> expected{"100%", "dos", "", "back", "last>"};
  add(text);
  finish();
  EXPECT_EQ(take(), expected);
  for (const char c : text) add(std::string_view(&c, 1));
  finish();
  EXPECT_EQ(take(), expected);
}

TEST_F(LineAssemblerTest, WhoWatchesSeesTheBeginningOfALine) {
  add("tests .");
  add("10%\r", RecordKind::kStderr);
  ASSERT_TRUE(lines_.show_begun().ok());
  ASSERT_TRUE(lines_.show_begun().ok());
  EXPECT_THAT(take(), ElementsAre("tests .>")) << "progress ends as one line";
  add("..");
  ASSERT_TRUE(lines_.show_begun().ok());
  add(" ok\nnext\n");
  EXPECT_THAT(take(), ElementsAre("<..>", "< ok", "next"));
  add("5%");
  ASSERT_TRUE(lines_.show_begun().ok());
  add("\r100%\n");
  add("\r100%\n", RecordKind::kStderr);
  EXPECT_THAT(take(), ElementsAre("5%>", "100%", "e:100%")) << "what was shown is taken back";
}

TEST_F(LineAssemblerTest, AnEndlessLineComesInPieces) {
  const std::string part(50'000, 'x');
  for (int i = 0; i < 4; ++i) add(part);
  add("end\nnext\n");
  finish();
  const auto found = take();
  ASSERT_EQ(found.size(), 5U);
  std::string all;
  for (std::size_t i = 0; i < 4; ++i) all += found[i];
  EXPECT_EQ(std::ranges::count(all, 'x'), 200'000);
  EXPECT_EQ(found[0].back(), '>');
  EXPECT_EQ(found[3].front(), '<');
  EXPECT_TRUE(found[3].ends_with("end"));
  EXPECT_EQ(found[4], "next");
}

TEST_F(LineAssemblerTest, EndlessProgressNeedsNoRoom) {
  for (int i = 0; i < 30'000; ++i) add("\rstep " + std::to_string(i));
  add("\n");
  EXPECT_THAT(take(), ElementsAre("step 29999"));
  add(std::string(200'000, '\r') + "\n");
  EXPECT_THAT(take(), ElementsAre(""));
}

}  // namespace
}  // namespace stagebox::logs
