// LinePattern: an extended regular expression (regex(7)) that a person gave, matched against lines
// of any bytes.
#pragma once

#include <regex.h>

#include <memory>
#include <string>
#include <string_view>

#include "runtime/base/result.h"

namespace stagebox::cli {

class LinePattern {
 public:
  /// kInvalid, with what is wrong with it.
  static base::Result<LinePattern> compile(const std::string& expression);
  /// Whether it is found anywhere in the line.
  [[nodiscard]] bool matches(std::string_view line) const;

 private:
  using Compiled = std::unique_ptr<regex_t, void (*)(regex_t*)>;
  explicit LinePattern(Compiled compiled) : compiled_(std::move(compiled)) {}
  Compiled compiled_;
};

}  // namespace stagebox::cli
