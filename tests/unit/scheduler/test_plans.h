// Plans for tests, written as text: "a; b: a; c: a.out, b" (c takes a.out and needs b).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "scheduler/plan.h"

namespace stagebox::scheduler::testing {

inline std::string trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \n");
  if (begin == std::string_view::npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(" \n") - begin + 1));
}

inline std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = text.find(separator);
    parts.push_back(trimmed(text.substr(0, end)));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return parts;
}

inline Stage stage(std::string_view text) {
  Stage result;
  const std::size_t colon = text.find(':');
  result.id = trimmed(text.substr(0, colon));
  if (result.id.ends_with('?')) {
    result.allow_failure.which = AllowFailure::Which::kAll;
    result.id.pop_back();
  }
  if (result.id.ends_with('!')) result.when = When::kFailure;
  if (result.id.ends_with('*')) result.when = When::kAlways;
  if (result.when != When::kSuccess) result.id.pop_back();
  if (colon == std::string_view::npos) return result;
  for (const std::string& need : split(text.substr(colon + 1), ',')) {
    const std::size_t dot = need.find('.');
    if (dot == std::string::npos) {
      result.needs.push_back({need, {}});
    } else {
      Input input;
      input.at = base::RelativePath::parse("in/" + need).value();
      input.source = FromOutput{need.substr(0, dot), need.substr(dot + 1)};
      result.inputs.push_back(input);
    }
  }
  return result;
}

/// "name!" waits for a failure, "name*" always runs, "name?" may fail.
inline Pipeline pipeline(std::string_view text) {
  Pipeline result;
  for (const std::string& part : split(text, ';')) {
    if (!part.empty()) result.stages.push_back(stage(part));
  }
  return result;
}

inline Plan plan(std::string_view text) { return make_plan(pipeline(text)).value(); }

}  // namespace stagebox::scheduler::testing
