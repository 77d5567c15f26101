#include "scheduler/tests_reader.h"

#include <array>
#include <optional>
#include <utility>

#include "runtime/base/name_pattern.h"
#include "runtime/base/path_patterns.h"
#include "scheduler/keys.h"

namespace stagebox::scheduler {
namespace {

constexpr std::string_view kTestsExample = "[{junit: \"reports/*.xml\"}]";
constexpr std::size_t kMostPatterns = 100;
// Long enough for whoever has many; a longer list is a project of its own.
constexpr std::size_t kMostQuarantined = 10'000;
// In the order of TestFormat.
constexpr std::array<std::string_view, 2> kFormats{"junit", "tap"};

std::optional<base::RelativePath> read_pattern(const YamlNode& node, std::string_view format,
                                               const ValueReader& reader) {
  auto path = reader.path(node, backquoted(format));
  if (!path) return std::nullopt;
  if (path->is_self()) {
    reader.diagnostics().add(node.position, backquoted(format) + " names no file",
                             "write for example " + std::string(kTestsExample));
    return std::nullopt;
  }
  const auto pattern = base::PathPatterns::parse({"/" + path->str()});
  if (pattern.ok()) return path;
  reader.diagnostics().add(node.position, backquoted(format) + ": " + pattern.error().message);
  return std::nullopt;
}

std::optional<TestReports> read_item(const YamlNode& item, const ValueReader& reader) {
  if (!reader.expect_mapping(item, "each of the `tests`", "{junit: \"reports/*.xml\"}"))
    return std::nullopt;
  check_keys(item, kTestsKeys, reader.diagnostics());
  TestReports reports;
  reports.position = item.position;
  if (const YamlNode* required = item.find("required"))
    reports.required = reader.boolean(*required, "`required`").value_or(true);
  std::size_t formats = 0;
  bool is_right = true;
  for (std::size_t i = 0; i < kFormats.size(); ++i) {
    const YamlNode* node = item.find(kFormats[i]);
    if (node == nullptr) continue;
    ++formats;
    reports.format = static_cast<TestFormat>(i);
    auto pattern = read_pattern(*node, kFormats[i], reader);
    if (pattern) {
      reports.pattern = std::move(*pattern);
    } else {
      is_right = false;
    }
  }
  if (formats != 1) {
    reader.diagnostics().add(item.position,
                             "each of the `tests` must have one of " + one_of(kFormats),
                             "write for example " + std::string(kTestsExample));
    return std::nullopt;
  }
  return is_right ? std::optional(std::move(reports)) : std::nullopt;
}

bool within(const YamlNode& node, std::string_view what, std::size_t most,
            const ValueReader& reader) {
  if (node.items.size() <= most) return true;
  reader.diagnostics().add(node.position,
                           std::string(what) + " has more than " + std::to_string(most) + " items");
  return false;
}

}  // namespace

std::vector<TestReports> read_tests(const YamlNode& node, const ValueReader& reader) {
  std::vector<TestReports> tests;
  if (!reader.expect_sequence(node, "`tests`", kTestsExample) ||
      !within(node, "`tests`", kMostPatterns, reader))
    return tests;
  for (const YamlNode* item : node.items) {
    if (auto reports = read_item(*item, reader)) tests.push_back(std::move(*reports));
  }
  return tests;
}

std::vector<std::string> read_quarantine(const YamlNode& node, const ValueReader& reader) {
  if (!reader.expect_sequence(node, "`quarantine`", "[\"suite.flaky_test\", \"net.*\"]") ||
      !within(node, "`quarantine`", kMostQuarantined, reader))
    return {};
  std::vector<std::string> patterns;
  for (const YamlNode* item : node.items) {
    auto text = reader.word(*item, "each item of `quarantine`", "the name of a test case");
    if (!text) continue;
    if (const auto mistake = base::name_pattern_mistake(*text)) {
      reader.diagnostics().add(item->position, "`quarantine`: the pattern " + backquoted(*text) +
                                                   " " + std::string(*mistake));
      continue;
    }
    patterns.push_back(std::move(*text));
  }
  return patterns;
}

}  // namespace stagebox::scheduler
