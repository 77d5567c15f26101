// --env-file, as docker and podman read such files.
#include "runtime/cli/exec_environment.h"

#include <gmock/gmock.h>

namespace stagebox::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

std::optional<std::string> look_up(const std::string& name) {
  if (name == "HERE") return "of this process";
  return std::nullopt;
}

std::map<std::string, std::string> variables(std::string_view text) {
  auto parsed = parse_environment_file(text, "ci.env", look_up);
  EXPECT_TRUE(parsed.ok()) << (parsed.ok() ? "" : parsed.error().message);
  return parsed.ok() ? *parsed : std::map<std::string, std::string>();
}

std::string mistake(std::string_view text) {
  const auto parsed = parse_environment_file(text, "ci.env", look_up);
  return parsed.ok() ? "no mistake" : parsed.error().message;
}

TEST(EnvironmentFile, ValuesStandAsTheyAre) {
  EXPECT_THAT(variables("A=1\nB=\"q\"\nC=a=b # c\nD=\n  E= x \n"),
              ElementsAre(Pair("A", "1"), Pair("B", "\"q\""), Pair("C", "a=b # c"), Pair("D", ""),
                          Pair("E", " x ")));
}

TEST(EnvironmentFile, CommentsBlankLinesAndTheLastLine) {
  EXPECT_THAT(variables(""), IsEmpty());
  EXPECT_THAT(variables("\n# A=1\n   # B=2\n \t\n"), IsEmpty());
  EXPECT_THAT(variables("A=1\r\nB=2"), ElementsAre(Pair("A", "1"), Pair("B", "2")));
  EXPECT_THAT(variables("\xef\xbb\xbf"
                        "A=1"),
              ElementsAre(Pair("A", "1")));
  EXPECT_THAT(variables("A=1\nA=2\n"), ElementsAre(Pair("A", "2")));
}

TEST(EnvironmentFile, ANameAloneIsWhatItIsHere) {
  EXPECT_THAT(variables("HERE\nNOWHERE\n"), ElementsAre(Pair("HERE", "of this process")));
}

TEST(EnvironmentFile, MistakesHaveALine) {
  EXPECT_THAT(mistake("A=1\n\n=x\n"), HasSubstr("ci.env:3: "));
  EXPECT_THAT(mistake("A=1\nmy name=x\n"), HasSubstr("ci.env:2: "));
  EXPECT_THAT(mistake("export A=1\n"), HasSubstr("\"export A\" is not the name"));
  EXPECT_THAT(mistake(std::string_view("A=\0x", 4)), HasSubstr("NUL"));
  EXPECT_THAT(mistake(std::string_view("\0=x", 3)), HasSubstr("NUL"));
}

}  // namespace
}  // namespace stagebox::cli
