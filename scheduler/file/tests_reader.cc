#include "scheduler/file/tests_reader.h"

#include <array>
#include <optional>
#include <utility>

#include "runtime/base/name_pattern.h"
#include "runtime/base/path_patterns.h"
#include "scheduler/file/keys.h"

namespace stagebox::scheduler {
namespace {

constexpr std::size_t kMostPatterns = 100;
// Long enough for whoever has many; a longer list is a project of its own.
constexpr std::size_t kMostQuarantined = 10'000;

// A key that declares reports.
struct ReportsKey {
  std::string_view name;  ///< Between backquotes.
  std::string_view example;
  std::string_view item_example;
  const KeySet& keys;
  std::array<ReportFormat, 2> formats;
};

constexpr std::string_view kTestsItem = "{junit: \"reports/*.xml\"}";
const ReportsKey kTestsKey{"`tests`",
                           "[{junit: \"reports/*.xml\"}]",
                           kTestsItem,
                           kTestsKeys,
                           {ReportFormat::kJunit, ReportFormat::kTap}};
constexpr std::string_view kCoverageItem = "{cobertura: coverage.xml}";
const ReportsKey kCoverageKey{"`coverage`",
                              "[{cobertura: coverage.xml}]",
                              kCoverageItem,
                              kCoverageKeys,
                              {ReportFormat::kCobertura, ReportFormat::kLcov}};

constexpr std::string_view kSummaryExample = "summary.md";

// `key` is what has it, `example` what could stand there.
std::optional<base::RelativePath> read_pattern(const YamlNode& node, std::string_view key,
                                               std::string_view example,
                                               const ValueReader& reader) {
  auto path = reader.path(node, backquoted(key));
  if (!path) return std::nullopt;
  if (path->is_self()) {
    reader.diagnostics().add(node.position, backquoted(key) + " names no file",
                             "write for example " + std::string(example));
    return std::nullopt;
  }
  const auto pattern = base::PathPatterns::parse({"/" + path->str()});
  if (pattern.ok()) return path;
  // The slash is ours: what is said of the pattern is said of it as it was written.
  const auto written = base::PathPatterns::parse({path->str()});
  if (!written.ok()) {
    reader.diagnostics().add(node.position, backquoted(key) + ": " + written.error().message);
    return std::nullopt;
  }
  reader.diagnostics().add(node.position, backquoted(key) + ": " + pattern.error().message);
  return std::nullopt;
}

std::optional<DeclaredReports> read_item(const YamlNode& item, const ReportsKey& key,
                                         const ValueReader& reader) {
  const std::string each = "each of the " + std::string(key.name);
  if (!reader.expect_mapping(item, each, key.item_example)) return std::nullopt;
  check_keys(item, key.keys, reader.diagnostics());
  DeclaredReports reports;
  reports.position = item.position;
  if (const YamlNode* required = item.find("required"))
    reports.required = reader.boolean(*required, "`required`").value_or(true);
  std::size_t formats = 0;
  bool is_right = true;
  for (const ReportFormat format : key.formats) {
    const YamlNode* node = item.find(to_string(format));
    if (node == nullptr) continue;
    ++formats;
    reports.format = format;
    auto pattern = read_pattern(*node, to_string(format), key.example, reader);
    if (pattern) {
      reports.pattern = std::move(*pattern);
    } else {
      is_right = false;
    }
  }
  if (formats != 1) {
    const std::array names{to_string(key.formats[0]), to_string(key.formats[1])};
    reader.diagnostics().add(item.position, each + " must have one of " + one_of(names),
                             "write for example " + std::string(key.example));
    return std::nullopt;
  }
  return is_right ? std::optional(std::move(reports)) : std::nullopt;
}

bool within(const YamlNode& node, std::string_view what, std::size_t most,
            const ValueReader& reader) {
  if (node.items().size() <= most) return true;
  reader.diagnostics().add(node.position,
                           std::string(what) + " has more than " + std::to_string(most) + " items");
  return false;
}

std::vector<DeclaredReports> read_reports(const YamlNode& node, const ReportsKey& key,
                                          const ValueReader& reader) {
  std::vector<DeclaredReports> declared;
  if (!reader.expect_sequence(node, key.name, key.example) ||
      !within(node, key.name, kMostPatterns, reader))
    return declared;
  for (const YamlNode* item : node.items()) {
    if (auto reports = read_item(*item, key, reader)) declared.push_back(std::move(*reports));
  }
  return declared;
}

}  // namespace

std::vector<DeclaredReports> read_tests(const YamlNode& node, const ValueReader& reader) {
  return read_reports(node, kTestsKey, reader);
}

std::vector<DeclaredReports> read_coverage(const YamlNode& node, const ValueReader& reader) {
  return read_reports(node, kCoverageKey, reader);
}

std::vector<DeclaredReports> read_summary(const YamlNode& node, const ValueReader& reader) {
  auto pattern = read_pattern(node, "summary", kSummaryExample, reader);
  if (!pattern) return {};
  return {{ReportFormat::kMarkdown, std::move(*pattern), false, node.position}};
}

std::vector<std::string> read_quarantine(const YamlNode& node, const ValueReader& reader) {
  if (!reader.expect_sequence(node, "`quarantine`", "[\"suite.flaky_test\", \"net.*\"]") ||
      !within(node, "`quarantine`", kMostQuarantined, reader))
    return {};
  std::vector<std::string> patterns;
  for (const YamlNode* item : node.items()) {
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
