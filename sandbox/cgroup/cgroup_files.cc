#include "sandbox/cgroup/cgroup_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <sstream>

#include "runtime/base/files.h"

namespace stagebox::sandbox {

namespace {
constexpr std::size_t kMaxFile = std::size_t{1} << 20;
// A machine can have many mounts.
constexpr std::size_t kMaxList = std::size_t{64} << 20;
}  // namespace

bool is_accessible(const std::string& path, int mode) {
  return ::faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS) == 0;
}

std::string read_or_empty(const std::string& path) {
  auto content = base::read_file(path, kMaxFile);
  return content.ok() ? std::move(*content) : std::string();
}

base::Result<std::string> read_if_there(const std::string& path) {
  auto content = base::read_file(path, kMaxList);
  if (!content.ok() && content.error().errno_value == ENOENT) return std::string();
  return content;
}

base::Result<void> write_value(const std::string& dir, const std::string& file,
                               const std::string& value) {
  const std::string path = dir + "/" + file;
  const base::UniqueFd fd = TRY(base::open_path(path, O_WRONLY));
  const auto written = base::write_all(fd.get(), value);
  if (!written.ok()) return written.error().with_context("set " + path + " to " + value);
  return {};
}

base::Result<void> take_over_cpuset(const std::string& dir, const std::string& from) {
  for (const char* file : {"cpuset.cpus", "cpuset.mems"})
    TRY(write_value(dir, file, read_or_empty(from + "/" + file)));
  return {};
}

std::uint64_t parse_number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::uint64_t keyed_value(const std::string& content, std::string_view key) {
  std::istringstream lines(content);
  std::string name;
  std::string value;
  while (lines >> name >> value) {
    if (name == key) return parse_number(value);
  }
  return 0;
}

}  // namespace stagebox::sandbox
