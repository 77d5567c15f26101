#include "runtime/run/engine/process_identity.h"

#include <sys/stat.h>
#include <unistd.h>

#include <sstream>
#include <string>

#include "runtime/base/files.h"

namespace stagebox::run {

std::optional<FileId> own_pid_namespace() {
  struct stat status{};
  if (::stat("/proc/self/ns/pid", &status) != 0) return std::nullopt;
  return FileId{status.st_dev, status.st_ino};
}

std::optional<std::uint64_t> process_start(pid_t pid) {
  constexpr std::size_t kLongest = 4096;
  constexpr int kBeforeIt = 19;  // Fields behind the name, which may have spaces itself.
  const auto text = base::read_file("/proc/" + std::to_string(pid) + "/stat", kLongest);
  const std::size_t name = text.ok() ? text->rfind(')') : std::string::npos;
  if (name == std::string::npos) return std::nullopt;
  std::istringstream fields(text->substr(name + 1));
  std::string field;
  for (int i = 0; i < kBeforeIt; ++i) fields >> field;
  std::uint64_t start = 0;
  return fields >> start ? std::optional(start) : std::nullopt;
}

std::string note_of_this_process() {
  std::string note;
  if (const auto pids = own_pid_namespace()) note += encode_pid_namespace(*pids);
  if (const auto start = process_start(::getpid())) note += encode_process_start(*start);
  return note;
}

}  // namespace stagebox::run
