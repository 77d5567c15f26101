#include "runtime/cli/command_line/options.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <utility>
#include <vector>

#include "runtime/cli/command_line/command_groups.h"
#include "runtime/cli/command_line/command_set.h"
#include "runtime/cli/command_line/command_tree.h"

namespace stagebox::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Pair;

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

// Who names one does not mean all.
TEST(Options, AllSavedCachesAreMeantAlone) {
  EXPECT_EQ(mistake_in({"cache", "remove", "--all"}), "none");
  EXPECT_EQ(mistake_in({"cache", "remove", "1", "2"}), "none");
  EXPECT_THAT(mistake_in({"cache", "remove", "--all", "1"}), HasSubstr("excludes"));
  EXPECT_THAT(mistake_in({"cache", "remove", "1", "--all"}), HasSubstr("excludes"));
  EXPECT_THAT(mistake_in({"cache", "remove", "--all", "--domain", "x"}), HasSubstr("excludes"));
  EXPECT_EQ(
      mistake_in({"cache", "remove", "x"}),
      "ID: \"x\" is no number; `stagebox cache list` begins each line with one; see `stagebox "
      "cache remove --help`");
}

TEST(Options, WhatIsNoCommandIsRefused) {
  EXPECT_EQ(mistake_in({"exce"}),
            "there is no command \"exce\"; did you mean \"exec\"? see `stagebox --help`");
  EXPECT_EQ(mistake_in({"\x1b[2J"}), "there is no command \"\\x1b[2J\"; see `stagebox --help`");
  EXPECT_EQ(mistake_in({"image", "lst"}),
            "there is no command \"lst\"; did you mean \"list\"? see `stagebox image --help`");
}

TEST(Options, WhatIsNoOptionIsRefused) {
  EXPECT_EQ(mistake_in({"run", "--jbos", "4"}),
            "there is no option \"--jbos\"; did you mean \"--jobs\"? see `stagebox run --help`");
  EXPECT_EQ(mistake_in({"run", "x.yaml", "--jbos=4"}), mistake_in({"run", "--jbos", "4"}));
  EXPECT_EQ(mistake_in({"exec", "--image", "i", "--nonsense", "--", "true"}),
            "there is no option \"--nonsense\"; see `stagebox exec --help`");
  EXPECT_THAT(mistake_in({"show", "a", "b", "c"}), HasSubstr("was not expected: c; see"));
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

// "--option VALUE" or "-o VALUE", under each of its names.
void expect_one_value_of(const std::vector<std::string>& command, const OptionInfo& option) {
  for (const std::string& name : option.names) {
    CommandSet commands;
    for (const CommandGroup& group : command_groups()) group.add(commands);
    CLI::App* app = &commands.root();
    std::vector<std::string> words = command;
    words.push_back(name);
    if (!option.value.empty()) words.emplace_back("value");
    words.insert(words.end(), {"word", "word"});
    std::ranges::reverse(words);
    std::string told;
    try {
      app->parse(words);
    } catch (const CLI::Error& error) {
      // That a value is none of those that the option has, when all words have their place.
      told = error.what();
    }
    for (const std::string& word : command) app = app->get_subcommand(word);
    EXPECT_EQ(app->get_option(name)->results().size(), 1U)
        << app->get_name() << " " << name << ": " << told;
  }
}

void expect_one_value_of_each(std::vector<std::string> path, const CommandInfo& command) {
  for (const OptionInfo& option : command.options) {
    if (option.names != std::vector<std::string>{"-h", "--help"}) expect_one_value_of(path, option);
  }
  for (const CommandInfo& below : command.commands) {
    path.push_back(below.name);
    expect_one_value_of_each(path, below);
    path.pop_back();
  }
}

// What stands behind them is the FILE of `run` or the command of `exec`.
TEST(Options, TakeOneValueEachTime) {
  for (const CommandInfo& command : command_tree().commands)
    expect_one_value_of_each({command.name}, command);
}

TEST(Options, RepeatedOnesLeaveTheArgumentsAlone) {
  const char* const run[] = {"stagebox", "run",     "--stage", "a",        "--stage",
                             "b",        "--param", "p=1",     "--secret", "S=env:V",
                             "--param",  "q=2",     "x.yaml"};
  const auto parsed = parse_options(std::size(run), run);
  const auto* options = parsed.ok() ? std::get_if<RunOptions>(&*parsed) : nullptr;
  ASSERT_NE(options, nullptr);
  EXPECT_THAT(options->stages, ElementsAre("a", "b"));
  EXPECT_THAT(options->pipeline.params, ElementsAre(Pair("p", "1"), Pair("q", "2")));
  EXPECT_THAT(options->secrets, ElementsAre(Pair("S", "env:V")));
  EXPECT_EQ(options->pipeline.file, "x.yaml");
  for (const auto& [name, value] :
       std::initializer_list<std::pair<const char*, const char*>>{{"--mount", "/a:/b"},
                                                                  {"--tmpfs", "/t"},
                                                                  {"--artifact", "a:b"},
                                                                  {"--env", "A"},
                                                                  {"--env-file", "f"},
                                                                  {"--secret", "S"},
                                                                  {"--ulimit", "core=0"},
                                                                  {"--network", "nat"},
                                                                  {"--capability", "CHOWN"}}) {
    for (const bool marked : {false, true}) {
      std::vector<const char*> words{"stagebox", "exec", "--image", "i", name, value, name, value};
      if (marked) words.push_back("--");
      words.insert(words.end(), {"ls", name});
      const auto exec = parse_options(static_cast<int>(words.size()), words.data());
      const auto* command = exec.ok() ? std::get_if<ExecOptions>(&*exec) : nullptr;
      ASSERT_NE(command, nullptr) << name;
      EXPECT_THAT(command->command, ElementsAre("ls", name)) << name;
    }
  }
}

TEST(Options, ACommandHasToBeGiven) {
  EXPECT_EQ(mistake_in({}), "no command is given; see `stagebox --help`");
  EXPECT_EQ(mistake_in({"cache"}), "no command is given; see `stagebox cache --help`");
}

}  // namespace
}  // namespace stagebox::cli
