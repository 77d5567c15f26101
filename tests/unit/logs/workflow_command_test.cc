// Annotations and groups as stages write them.
#include "runtime/logs/workflow_command.h"

#include <gmock/gmock.h>

namespace stagebox::logs {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

void add(Annotations& annotations, std::string_view text) {
  annotations.add({RecordKind::kStdout, std::nullopt, text, true, true});
}

TEST(WorkflowCommand, IsParsed) {
  const auto command = parse_workflow_command(
      "  ::Error file=src/a%2Cb.c,line=3, Col=7,title=A%3A%25::not%0Agood%3A::x");
  ASSERT_TRUE(command);
  EXPECT_EQ(command->name, "error");
  EXPECT_EQ(command->property("file"), "src/a,b.c");
  EXPECT_EQ(command->property("line"), "3");
  EXPECT_EQ(command->property("col"), "7");
  EXPECT_EQ(command->property("title"), "A:%");
  EXPECT_EQ(command->property("none"), "");
  EXPECT_EQ(command->message, "not\ngood%3A::x");
  EXPECT_EQ(parse_workflow_command("::group::")->message, "");
  EXPECT_EQ(parse_workflow_command("::x::%250A")->message, "%0A") << "each escape once";
  const auto blanks = parse_workflow_command("::x ,, =b,\t=c,d=e::f");
  ASSERT_TRUE(blanks);
  ASSERT_EQ(blanks->properties.size(), 1U) << "a key has letters";
  EXPECT_EQ(blanks->property("d"), "e");
}

TEST(WorkflowCommand, OtherLinesAreText) {
  for (const std::string_view line :
       {"", ":", "::", "::::", "std::vector::push_back", "a ::error::b", "::error", ":: error::x",
        "::er,ror::x", "error::x"})
    EXPECT_FALSE(parse_workflow_command(line)) << line;
  EXPECT_FALSE(parse_workflow_command("::error::" + std::string(kLongestCommand, 'x')));
}

TEST(WorkflowCommand, HasNoEscapeSequences) {
  const auto command = parse_workflow_command(
      "::error file=\x1b[35ma.c\x1b[m,title=\x1b[38:2::255:0:0mBad\x1b[0m::\x1b]0;t\x07not \x1b[1m"
      "good\x1b[0m");
  ASSERT_TRUE(command);
  EXPECT_EQ(command->property("file"), "a.c");
  EXPECT_EQ(command->property("title"), "Bad");
  EXPECT_EQ(command->message, "not good");
  EXPECT_EQ(parse_workflow_command("::group::\x1b[1mBuild\x1b[0m")->message, "Build");
  EXPECT_FALSE(parse_workflow_command("\x1b[31m::error::x")) << "it begins with a colour";
}

TEST(Annotations, HavePlacesAndGroups) {
  Annotations annotations;
  add(annotations, "::group::Build");
  add(annotations, "::warning file=a.c,line=3,endLine=4,col=5,endColumn=6,title=T::careful");
  add(annotations, "::group::inner");
  add(annotations, "::error::bad");
  add(annotations, "::endgroup::");
  add(annotations, "::endgroup::");
  add(annotations, "::endgroup::");
  add(annotations, "::notice line=x,file=b::look");
  add(annotations, "::debug::no annotation");
  const auto& list = annotations.list();
  ASSERT_EQ(list.size(), 3U);
  EXPECT_EQ(list[0].level, Annotation::Level::kWarning);
  EXPECT_EQ(list[0].file, "a.c");
  EXPECT_THAT((std::vector{list[0].line, list[0].end_line, list[0].column, list[0].end_column}),
              ElementsAre(3, 4, 5, 6));
  EXPECT_EQ(list[0].title, "T");
  EXPECT_THAT(list[0].groups, ElementsAre("Build"));
  EXPECT_THAT(list[1].groups, ElementsAre("Build", "inner"));
  EXPECT_EQ(list[2].level, Annotation::Level::kNotice);
  EXPECT_EQ(list[2].line, 0U);
  EXPECT_THAT(list[2].groups, IsEmpty());
}

TEST(Annotations, CanBeStopped) {
  Annotations annotations;
  add(annotations, "::stop-commands::Token1");
  add(annotations, "::error::quoted");
  add(annotations, "::endgroup::");
  add(annotations, "::token1::");
  add(annotations, "::error::meant");
  ASSERT_EQ(annotations.list().size(), 1U);
  EXPECT_EQ(annotations.list()[0].message, "meant");
}

TEST(Annotations, AreLimited) {
  Annotations annotations;
  for (std::size_t i = 0; i < 100; ++i) add(annotations, "::group::" + std::string(5000, 'g'));
  EXPECT_EQ(annotations.groups().size(), Annotations::kDeepest);
  for (std::size_t i = 0; i < Annotations::kMost + 7; ++i)
    add(annotations, "::error file=" + std::string(5000, 'f') + "::" + std::string(5000, 'm'));
  EXPECT_EQ(annotations.list().size(), Annotations::kMost);
  EXPECT_EQ(annotations.dropped(), 7U);
  EXPECT_EQ(annotations.list()[0].message.size(), Annotations::kLongestText);
  for (std::size_t i = 0; i < 100 - Annotations::kDeepest; ++i) add(annotations, "::endgroup::");
  EXPECT_EQ(annotations.groups().size(), Annotations::kDeepest) << "the deeper ones ended";
  add(annotations, "::endgroup::");
  EXPECT_EQ(annotations.groups().size(), Annotations::kDeepest - 1);
}

}  // namespace
}  // namespace stagebox::logs
