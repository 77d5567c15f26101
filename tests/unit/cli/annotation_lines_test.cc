#include "runtime/cli/annotation_lines.h"

#include <gmock/gmock.h>

#include <algorithm>

namespace stagebox::cli {
namespace {

using logs::Annotation;
using scheduler::StageState;
using ::testing::HasSubstr;
using ::testing::Not;

Annotation annotation(Annotation::Level level, const std::string& message) {
  Annotation made;
  made.level = level;
  made.message = message;
  return made;
}

run::StageRecord record_saying(std::vector<Annotation> list, std::size_t more = 0) {
  run::StageRecord record;
  record.annotations = {std::move(list), more};
  return record;
}

TEST(AnnotationLines, OneSaysWhereItIs) {
  Annotation one = annotation(Annotation::Level::kError, "not\ngood\x1b[2J");
  one.file = "a.c";
  one.line = 3;
  one.column = 7;
  one.title = "Bad";
  EXPECT_EQ(annotation_text(one), "a.c:3:7: error: Bad: not\\ngood\\u{1b}[2J");
  one.line = 0;
  EXPECT_EQ(annotation_text(one), "a.c: error: Bad: not\\ngood\\u{1b}[2J") << "a column of no line";
}

TEST(AnnotationSummary, ErrorsComeFirstAndOnlyWhatEndedCounts) {
  AnnotationSummary summary;
  EXPECT_EQ(summary.text("id"), "");
  const auto first =
      record_saying({annotation(Annotation::Level::kError, "of the attempt before")});
  const auto warned = record_saying({annotation(Annotation::Level::kWarning, "careful")});
  const auto failed = record_saying({annotation(Annotation::Level::kError, "bad")});
  summary.on_stage("a", StageState::kRetrying, &first);
  summary.on_stage("a", StageState::kSucceeded, &warned);
  summary.on_stage("b", StageState::kFailed, &failed);
  summary.on_stage("c", StageState::kSkipped, nullptr);
  EXPECT_EQ(summary.text("id"), "what stages reported:\n  b: error: bad\n  a: warning: careful\n");
}

TEST(AnnotationSummary, OfManyItSaysHowManyThereAre) {
  AnnotationSummary summary;
  const auto noisy = record_saying(
      std::vector<Annotation>(20, annotation(Annotation::Level::kNotice, "note")), 1000);
  for (int i = 0; i < 3; ++i) summary.on_stage("a", StageState::kSucceeded, &noisy);
  const auto failed = record_saying({annotation(Annotation::Level::kError, "bad")});
  summary.on_stage("b", StageState::kFailed, &failed);
  const std::string text = summary.text("id");
  EXPECT_EQ(std::ranges::count(text, '\n'), 22);
  EXPECT_THAT(text, HasSubstr("reported:\n  b: error: bad\n"));
  EXPECT_THAT(text, HasSubstr("  and 3041 more:  stagebox logs id --annotations\n"));
}

TEST(ToldAnnotations, AreFewAndShort) {
  logs::Annotations found;
  const auto say = [&found](const std::string& line) {
    found.add({logs::RecordKind::kStdout, std::nullopt, line, true, true});
  };
  say("::group::g");
  for (int i = 0; i < 1500; ++i) say("::notice::note");
  EXPECT_EQ(run::told_annotations(found, nullptr).more, 1480U);
  logs::Annotations other;
  const std::string line = "::error file=x::" + std::string(499, 'e') + "\xc3\xa4\xc3\xa4";
  other.add({logs::RecordKind::kStdout, std::nullopt, "::warning::w", true, true});
  other.add({logs::RecordKind::kStdout, std::nullopt, line, true, true});
  const run::StageAnnotations told = run::told_annotations(other, nullptr);
  ASSERT_EQ(told.list.size(), 2U);
  EXPECT_EQ(told.list[0].message, std::string(499, 'e') + "...") << "cut between characters";
  EXPECT_EQ(told.list[1].message, "w");
  EXPECT_EQ(told.more, 0U);
}

}  // namespace
}  // namespace stagebox::cli
