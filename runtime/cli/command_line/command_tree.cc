#include "runtime/cli/command_line/command_tree.h"

#include <algorithm>

#include "runtime/cli/command_line/command_groups.h"
#include "runtime/cli/command_line/command_set.h"

namespace stagebox::cli {
namespace {

// "a|b|c" as its words; nothing when it has other values too.
std::vector<std::string> words_of(const std::string& type) {
  std::vector<std::string> words;
  if (type.find('|') == std::string::npos) return words;
  for (std::size_t begin = 0; begin <= type.size();) {
    const std::size_t end = std::min(type.find('|', begin), type.size());
    words.push_back(type.substr(begin, end - begin));
    begin = end + 1;
  }
  const auto is_word = [](const std::string& word) {
    return !word.empty() &&
           std::ranges::all_of(word, [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; });
  };
  if (!std::ranges::all_of(words, is_word)) words.clear();
  return words;
}

OptionInfo describe(const CLI::Option& option) {
  OptionInfo info;
  for (const std::string& name : option.get_snames()) info.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) info.names.push_back("--" + name);
  const bool is_flag = option.get_type_size() == 0 || option.get_expected_max() == 0;
  if (info.names.empty()) {
    info.value = option.get_name(true);
  } else if (!is_flag) {
    info.value = option.get_type_name();
  }
  info.choices = words_of(option.get_type_name());
  info.help = option.get_description();
  info.required = option.get_required();
  info.repeated = option.get_expected_max() > 1;
  return info;
}

CommandInfo describe(CLI::App* app) {
  CommandInfo info{app->get_name(), app->get_description(), {}, {}};
  bool behind_run = false;
  for (const CLI::Option* option : app->get_options()) {
    OptionInfo& described = info.options.emplace_back(describe(*option));
    if (!described.names.empty()) continue;
    described.of_run = behind_run;
    behind_run = behind_run || described.value == "RUN";
  }
  for (CLI::App* below : app->get_subcommands([](const CLI::App*) { return true; }))
    info.commands.push_back(describe(below));
  return info;
}

}  // namespace

CommandInfo command_tree() {
  CommandSet commands;
  for (const CommandGroup& group : command_groups()) group.add(commands);
  return describe(&commands.root());
}

}  // namespace stagebox::cli
