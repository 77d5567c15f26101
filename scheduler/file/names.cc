#include "scheduler/file/names.h"

#include <algorithm>

namespace stagebox::scheduler {
namespace {

struct Rule {
  std::string_view what;
  std::string_view more;  // Allowed besides letters, digits and _; not at the beginning.
  bool digit_first;
  std::size_t limit;
  std::string_view allowed;
};

Rule rule_of(NameKind kind) {
  static constexpr std::string_view kDotted =
      "use letters, digits, `_`, and after the first character also `.` and `-`";
  static constexpr std::string_view kVariable =
      "use letters, digits and `_`, and no digit at the beginning";
  static constexpr std::string_view kHostName =
      "use lower-case letters, digits, and in between also `-`: it is a host name for the stage";
  switch (kind) {
    case NameKind::kStage:
      return {"stage name", ".-", true, 64, kDotted};
    case NameKind::kImage:
      return {"image name", ".-", true, 64, kDotted};
    case NameKind::kMutex:
      return {"mutex name", ".-", true, 64, kDotted};
    case NameKind::kService:
      return {"service name", "-", true, 63, kHostName};
    case NameKind::kOutput:
      return {"output name", "-", true, 64,
              "use letters, digits, `_`, and after the first character also `-`; a dot would be "
              "read as the one in STAGE.OUTPUT"};
    case NameKind::kParam:
      return {"parameter name", "", false, 64, kVariable};
    case NameKind::kSecret:
      return {"secret name", "", false, 64, kVariable};
    case NameKind::kEnv:
      return {"environment variable name", "", false, 255, kVariable};
  }
  return {};
}

bool is_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool follows(std::string_view name, const Rule& rule) {
  if (name.empty() || !(is_letter(name[0]) || (rule.digit_first && is_digit(name[0]))))
    return false;
  return std::ranges::all_of(name, [&](char c) {
    return is_letter(c) || is_digit(c) || rule.more.find(c) != std::string_view::npos;
  });
}

// One label of a host name (RFC 1123, 2.1), in lower case so that no two are the same.
bool is_host_label(std::string_view name) {
  return !name.ends_with('-') &&
         std::ranges::none_of(name, [](char c) { return c == '_' || (c >= 'A' && c <= 'Z'); });
}

// Names of the sandbox itself.
bool is_own_host(std::string_view name) { return name == "localhost" || name == "stagebox"; }

}  // namespace

bool check_name(NameKind kind, std::string_view name, Position position, Diagnostics& diagnostics) {
  const Rule rule = rule_of(kind);
  const std::string what(rule.what);
  if (name.find("${{") != std::string_view::npos) {
    diagnostics.add(position,
                    "expressions are not allowed in names and keys, found " + backquoted(name),
                    "write the name out; only values may be computed");
  } else if (!follows(name, rule) || (kind == NameKind::kService && !is_host_label(name))) {
    diagnostics.add(position, "invalid " + what + " " + backquoted(name), rule.allowed);
  } else if (name.size() > rule.limit) {
    diagnostics.add(position, "the " + what + " " + backquoted(name) + " has " +
                                  std::to_string(name.size()) + " characters; the limit is " +
                                  std::to_string(rule.limit));
  } else if (kind == NameKind::kService && is_own_host(name)) {
    diagnostics.add(position, "the service name " + backquoted(name) + " is reserved",
                    "every sandbox has that host name itself; choose another");
  } else if (kind == NameKind::kEnv && name.starts_with("STAGEBOX_")) {
    diagnostics.add(position, "the variable " + backquoted(name) + " is reserved",
                    "names that begin with STAGEBOX_ are set by Stagebox; choose another");
  } else {
    return true;
  }
  return false;
}

}  // namespace stagebox::scheduler
