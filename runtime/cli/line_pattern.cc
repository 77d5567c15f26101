#include "runtime/cli/line_pattern.h"

#include <array>

#include "runtime/base/printable.h"

namespace stagebox::cli {

base::Result<LinePattern> LinePattern::compile(const std::string& expression) {
  // Only what was compiled is freed.
  auto compiled = std::make_unique<regex_t>();
  const int error = ::regcomp(compiled.get(), expression.c_str(), REG_EXTENDED | REG_NOSUB);
  if (error == 0) {
    return LinePattern(Compiled(compiled.release(), [](regex_t* regex) {
      ::regfree(regex);
      std::default_delete<regex_t>()(regex);
    }));
  }
  std::array<char, 200> reason{};
  (void)::regerror(error, compiled.get(), reason.data(), reason.size());
  return base::invalid("the regular expression " + base::printable(expression) +
                       " is wrong: " + reason.data());
}

bool LinePattern::matches(std::string_view line) const {
  // A line can have NUL bytes, so its end is told and not looked for.
  regmatch_t range{0, static_cast<regoff_t>(line.size())};
  const char* begin = line.empty() ? "" : line.data();
  return ::regexec(compiled_.get(), begin, 1, &range, REG_STARTEND) == 0;
}

}  // namespace stagebox::cli
