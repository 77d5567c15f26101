// Prints the sample action, or the tree below a directory, for reapi_encoding_test.py to compare:
//   store_action_dump action
//   store_action_dump tree HOME DIR
#include <fcntl.h>

#include <cstdio>
#include <string_view>

#include "runtime/base/files.h"
#include "runtime/store/content_store.h"
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

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "action") return dump_action();
  if (argc == 4 && std::string_view(argv[1]) == "tree") return dump_tree(argv[2], argv[3]);
  return 2;
}
