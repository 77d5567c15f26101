#include "runtime/cli/options.h"

#include <gmock/gmock.h>

#include <array>

#include "runtime/cli/command_tree.h"

namespace stagebox::cli {
namespace {

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

// Only some commands are described when one of them is meant.
TEST(Options, EveryCommandHasItsOwnHelp) {
  const CommandInfo all = command_tree();
  EXPECT_GT(all.commands.size(), 15U);
  for (const CommandInfo& command : all.commands) {
    EXPECT_THAT(help_of(command.name), HasSubstr(command.help)) << command.name;
    EXPECT_THAT(help_of(""), HasSubstr(command.name));
  }
}

TEST(Options, WhatIsNoCommandIsRefused) {
  const std::array<const char*, 2> words{"stagebox", "exce"};
  const auto parsed = parse_options(2, words.data());
  ASSERT_FALSE(parsed.ok());
  EXPECT_THAT(parsed.error().message, HasSubstr("stagebox --help"));
}

}  // namespace
}  // namespace stagebox::cli
