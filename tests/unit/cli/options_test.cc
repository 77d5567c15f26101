#include "runtime/cli/command_line/options.h"

#include <gmock/gmock.h>

#include <initializer_list>
#include <vector>

#include "runtime/cli/command_line/command_tree.h"

namespace stagebox::cli {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

std::string help_of(const std::string& command) {
  std::vector<const char*> words{"stagebox"};
  if (!command.empty()) words.push_back(command.c_str());
  words.push_back("--help");
  const auto parsed = parse_options(static_cast<int>(words.size()), words.data());
  if (!parsed.ok()) return parsed.error().message;
  const auto* print = std::get_if<PrintAndExit>(&*parsed);
  return print == nullptr ? "no help" : print->text;
}

std::string mistake_in(std::initializer_list<const char*> arguments) {
  std::vector<const char*> words{"stagebox"};
  words.insert(words.end(), arguments);
  const auto parsed = parse_options(static_cast<int>(words.size()), words.data());
  return parsed.ok() ? "none" : parsed.error().message;
}

// Only some commands are described when one of them is meant.
TEST(Options, EveryCommandHasItsOwnHelp) {
  const CommandInfo all = command_tree();
  EXPECT_GT(all.commands.size(), 15U);
  for (const CommandInfo& command : all.commands) {
    EXPECT_THAT(help_of(command.name), HasSubstr(command.help)) << command.name;
    EXPECT_THAT(help_of(""), HasSubstr(command.name));
  }
}

// Each is in the group that is described when it is meant: its own help is named.
TEST(Options, MistakesNameTheHelpOfTheirCommand) {
  for (const CommandInfo& command : command_tree().commands) {
    EXPECT_THAT(mistake_in({command.name.c_str(), "--nonsense"}),
                EndsWith("see `stagebox " + command.name + " --help`"));
    EXPECT_THAT(help_of(command.name), HasSubstr("Usage: stagebox " + command.name + " "));
  }
  EXPECT_THAT(mistake_in({"image", "import", "--nonsense", "x"}),
              EndsWith("see `stagebox image import --help`"));
}

TEST(Options, NumbersAreWholeOnes) {
  for (const char* text : {"x", "-1", "1.5", "0x1", "", "99999999999999999999"}) {
    EXPECT_THAT(mistake_in({"logs", "r", "--tail", text}),
                HasSubstr("is not a whole number from 0 on; see `stagebox logs --help`"))
        << text;
    EXPECT_THAT(mistake_in({"tests", "r", "--slowest", text}),
                HasSubstr("is not a whole number from 1 on"));
    EXPECT_THAT(mistake_in({"gc", "--keep-runs", text}),
                HasSubstr("is not a whole number from 0 on"));
    EXPECT_THAT(mistake_in({"run", "--jobs", text}),
                HasSubstr("is not a whole number from 1 to 1024"));
  }
  EXPECT_EQ(mistake_in({"tests", "r", "--slowest", "0"}),
            "--slowest: \"0\" is not a whole number from 1 on; see `stagebox tests --help`");
  EXPECT_EQ(mistake_in({"logs", "r", "--tail", "0"}), "none");
  EXPECT_EQ(mistake_in({"run", "-j", "1024"}), "none");
}

TEST(Options, WhatIsNoCommandIsRefused) {
  EXPECT_EQ(mistake_in({"exce"}),
            "there is no command \"exce\"; did you mean \"exec\"? see `stagebox --help`");
  EXPECT_EQ(mistake_in({"\x1b[2J"}), "there is no command \"\\x1b[2J\"; see `stagebox --help`");
  EXPECT_EQ(mistake_in({"image", "lst"}),
            "there is no command \"lst\"; did you mean \"list\"? see `stagebox image --help`");
}

// The numbers of an enumeration are no words: who writes 0 for "no trust" must not get all of it.
TEST(Options, OnlyTheWordsOfAChoiceAreTaken) {
  EXPECT_EQ(mistake_in({"run", "--trust", "untrusted"}), "none");
  for (const char* wrong : {"0", "1", "", "Trusted", "none"})
    EXPECT_THAT(mistake_in({"run", "--trust", wrong}), HasSubstr("is none of: trusted, untrusted"))
        << wrong;
  EXPECT_EQ(mistake_in({"logs", "last", "--stream", "stderr"}), "none");
  EXPECT_THAT(mistake_in({"logs", "last", "--stream", "0"}), HasSubstr("is none of"));
  EXPECT_THAT(mistake_in({"completion", "0"}), HasSubstr("is none of: bash, fish, zsh"));
}

TEST(Options, ACommandHasToBeGiven) {
  EXPECT_EQ(mistake_in({}), "no command is given; see `stagebox --help`");
  EXPECT_EQ(mistake_in({"cache"}), "no command is given; see `stagebox cache --help`");
}

}  // namespace
}  // namespace stagebox::cli
