// TapLine: one line of a TAP stream without its indentation, taken apart. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace stagebox::test_reports {

struct TapLine {
  enum class Kind {
    kOther,    ///< No TAP, or of no interest (pragma, subtest's name).
    kVersion,  ///< "TAP version `number`"
    kPlan,     ///< "1..`number`", maybe with a reason to skip it all.
    kTest,
    kComment,  ///< "# `text`"
    kBailOut,  ///< "Bail out! `text`"
    kYaml,     ///< "---": diagnostics begin.
    kClose,    ///< "}": the end of a buffered subtest.
  };
  enum class Directive { kNone, kSkip, kTodo };

  Kind kind = Kind::kOther;
  std::uint64_t number = 0;
  std::string text;  ///< Description, comment or reason to bail out.
  bool passed = false;
  bool opens = false;  ///< A buffered subtest follows: "ok 1 - name {".
  Directive directive = Directive::kNone;
  std::string reason;  ///< Of the directive.
  std::optional<std::chrono::microseconds> took = {};
};

/// `line` without its line break and indentation.
TapLine read_tap_line(std::string_view line);

}  // namespace stagebox::test_reports
