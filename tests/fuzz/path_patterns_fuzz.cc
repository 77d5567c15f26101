// Fuzzes PathPatterns: the first line is a pattern, the others are paths. Whatever they are, it
// answers; a pattern made of nothing but plain characters matches its own name at any level and no
// other; and a pattern in a list matches what it matches alone.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/path_patterns.h"

namespace {

using stagebox::base::EntryType;
using stagebox::base::PathPatterns;

void require(bool condition) {
  if (!condition) std::abort();
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty() && lines.size() < 50) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, std::min<std::size_t>(end, 400)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

void check_path(const std::string& pattern, const PathPatterns& alone, const std::string& path) {
  const bool matches = alone.matches(path, EntryType::kDirectory);
  // A file is matched by no more than a directory of its name.
  if (alone.matches(path, EntryType::kOther)) require(matches);
  const auto both = PathPatterns::parse({"never-a-name-of-the-corpus", pattern});
  require(both.ok() && both->matches(path, EntryType::kDirectory) == matches);
  if (pattern.find_first_of("*?[!\\/") != std::string::npos) return;
  require(matches == (path.substr(path.rfind('/') + 1) == pattern));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto lines = lines_of({reinterpret_cast<const char*>(data), size});
  if (lines.empty()) return 0;
  const auto alone = PathPatterns::parse({lines.front()});
  if (!alone.ok()) {
    require(!alone.error().message.empty());
    return 0;
  }
  require(!alone->empty());
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const std::string& path = lines[i];
    if (path.empty() || path.front() == '/' || path.back() == '/') continue;
    check_path(lines.front(), *alone, path);
  }
  return 0;
}
