// Prints the sample action, or the tree below a directory, for reapi_encoding_test.py to compare:
//   store_action_dump action
//   store_action_dump actions < JSON      a line of digests for each action of a list
//   store_action_dump tree HOME DIR
#include <fcntl.h>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <exception>
#include <iostream>
#include <string_view>

#include "runtime/base/files.h"
#include "runtime/store/content/content_store.h"
#include "tests/unit/store/action_sample.h"

namespace {

using namespace stagebox;

int dump_action() {
  const auto encoded = store::encode_action(store::sample_action());
  if (!encoded.ok()) return 1;
  std::printf("action %s %ju\n", encoded->action.hex().c_str(),
              static_cast<std::uintmax_t>(encoded->action_size));
  std::printf("command %s %ju\n", encoded->command.hex().c_str(),
              static_cast<std::uintmax_t>(encoded->command_size));
  std::printf("input_root %s %ju\n", encoded->input_root.hex().c_str(),
              static_cast<std::uintmax_t>(encoded->input_root_size));
  for (const std::string& blob : encoded->new_blobs) {
    std::printf("blob ");
    for (const char c : blob) std::printf("%02x", static_cast<unsigned char>(c));
    std::printf("\n");
  }
  return 0;
}

base::RelativePath path(const nlohmann::json& text) {
  return base::RelativePath::parse(text.get<std::string>()).value();
}

store::InputNode input_of(const nlohmann::json& json) {
  const auto digest = base::Digest::from_hex(json.at("hash").get<std::string>()).value();
  const auto size = json.at("size").get<std::uint64_t>();
  if (json.at("tree").get<bool>()) return {path(json.at("at")), store::InputTree{digest, size}};
  const bool executable = json.at("executable").get<bool>();
  return {path(json.at("at")),
          store::InputFile{digest, size,
                           executable ? store::Executable::kYes : store::Executable::kNo}};
}

store::ActionSpec spec_of(const nlohmann::json& json) {
  store::ActionSpec spec;
  json.at("arguments").get_to(spec.arguments);
  json.at("environment").get_to(spec.environment);
  json.at("working_directory").get_to(spec.working_directory);
  json.at("platform").get_to(spec.platform);
  json.at("salt").get_to(spec.salt);
  json.at("do_not_cache").get_to(spec.do_not_cache);
  for (const auto& output : json.at("output_paths")) spec.output_paths.push_back(path(output));
  for (const auto& input : json.at("inputs")) spec.inputs.push_back(input_of(input));
  return spec;
}

int dump_actions() {
  const auto list = nlohmann::json::parse(std::cin, nullptr, false);
  if (!list.is_array()) return 1;
  for (const auto& json : list) {
    const auto encoded = store::encode_action(spec_of(json));
    if (!encoded.ok()) {
      std::printf("%s\n", encoded.error().message.c_str());
      continue;
    }
    std::printf("%s %s %s\n", encoded->action.hex().c_str(), encoded->command.hex().c_str(),
                encoded->input_root.hex().c_str());
  }
  return 0;
}

int dump_tree(const char* home, const char* dir) {
  const auto home_fd = base::open_path(home, O_RDONLY | O_DIRECTORY);
  const auto dir_fd = base::open_path(dir, O_RDONLY | O_DIRECTORY);
  if (!home_fd.ok() || !dir_fd.ok()) return 1;
  const auto content = store::ContentStore::open(home_fd->get());
  if (!content.ok()) return 1;
  const auto tree = content->put_tree(dir_fd->get());
  if (!tree.ok()) return 1;
  std::printf("tree %s %ju\n", tree->root.hex().c_str(), static_cast<std::uintmax_t>(tree->size));
  return 0;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc == 2 && std::string_view(argv[1]) == "action") return dump_action();
  if (argc == 2 && std::string_view(argv[1]) == "actions") return dump_actions();
  if (argc == 4 && std::string_view(argv[1]) == "tree") return dump_tree(argv[2], argv[3]);
  return 2;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
