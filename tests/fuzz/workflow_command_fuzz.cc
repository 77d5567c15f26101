// Fuzzes annotations: what is kept of them is limited, and no line makes a group end that was not
// begun.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "runtime/logs/workflow_command.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stagebox::logs;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes are bytes.
  std::string_view text(reinterpret_cast<const char*>(data), size);
  Annotations annotations;
  std::size_t lines = 0;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    annotations.add({RecordKind::kStdout, std::nullopt, line, true, true});
    ++lines;
    require(annotations.groups().size() <= std::min(lines, Annotations::kDeepest));
    const auto command = parse_workflow_command(line);
    if (!command) continue;
    require(!command->name.empty() && command->message.size() <= line.size());
    require(command->message.find('\x1b') == std::string::npos);
    for (const auto& [key, value] : command->properties)
      require(!key.empty() && key.size() + value.size() <= line.size());
  }
  require(annotations.list().size() + annotations.dropped() <= lines);
  for (const Annotation& one : annotations.list())
    require(one.message.size() <= Annotations::kLongestText);
  return 0;
}
