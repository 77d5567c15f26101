#include "runtime/test_reports/tap_parser.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/utf8.h"
#include "runtime/test_reports/clean_text.h"
#include "runtime/test_reports/tap_diagnostics.h"
#include "runtime/test_reports/tap_line.h"

namespace stagebox::test_reports {
namespace {

constexpr std::size_t kIndent = 4;  ///< Of a subtest (TAP 14).
constexpr std::size_t kDepth = 32;
constexpr std::size_t kMessageLines = 4;

// The lines of a stream at one indentation: the stream itself, or a subtest.
struct Level {
  std::size_t indent = 0;
  std::size_t first_case = 0;  ///< Where its cases begin.
  std::uint64_t tests = 0;
  std::vector<std::uint64_t> numbers = {};  ///< Those that tests have, in whatever order.
  std::optional<std::uint64_t> plan = {};
  std::optional<TapLine> opened_by = {};  ///< The test whose buffered subtest follows.
};

std::string first_lines(const std::string& text, std::size_t count) {
  std::size_t end = 0;
  for (; count > 0 && end != std::string::npos; --count)
    end = text.find('\n', end == 0 ? 0 : end + 1);
  return text.substr(0, end);
}

class TapParser {
 public:
  explicit TapParser(std::size_t limit) : limit_(limit) {}

  void read(std::string_view text);
  ParsedReport finish();

 private:
  void read_line(std::string_view line);
  bool read_yaml(std::string_view line);
  void end_yaml();
  bool enter(std::size_t indent);
  void read_plan(const TapLine& line, std::size_t indent);
  void read_test(const TapLine& line, std::size_t indent);
  void close_subtest(std::size_t indent);
  void conclude(const TapLine& line);
  void add_case(const TapLine& line);
  void add_comment(const std::string& text);
  void end_case();
  void check_plan(Level& level);
  void check_numbers(Level& level);
  void set_problem(std::string problem) {
    if (report_.problem.empty()) report_.problem = std::move(problem);
  }

  std::size_t limit_;
  ParsedReport report_;
  std::vector<Level> levels_{Level{}};
  std::optional<std::size_t> children_;  ///< The first case of the subtest that enter() left.
  bool any_ = false;                     ///< A line that only TAP has.
  bool has_open_case_ = false;           ///< The last case may get diagnostics.
  BoundedText detail_{CaseLimits::kDetail};
  std::optional<std::size_t> yaml_indent_;
  std::string yaml_;
  std::size_t number_ = 0;  ///< Of the line.
  bool ended_ = false;      ///< By a bail out, or a limit.
};

void TapParser::read(std::string_view text) {
  while (!text.empty() && !ended_) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    ++number_;
    read_line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

void TapParser::read_line(std::string_view line) {
  if (yaml_indent_ && read_yaml(line)) return;
  const std::size_t indent = std::min(line.find_first_not_of(' '), line.size());
  const TapLine read = read_tap_line(line.substr(indent));
  switch (read.kind) {
    case TapLine::Kind::kTest:
      return read_test(read, indent);
    case TapLine::Kind::kPlan:
      return read_plan(read, indent);
    case TapLine::Kind::kYaml:
      if (has_open_case_) yaml_indent_ = indent;
      return;
    case TapLine::Kind::kComment:
      return add_comment(read.text);
    case TapLine::Kind::kBailOut:
      any_ = ended_ = true;
      return set_problem(one_line("bail out: " + base::cut_end(read.text, CaseLimits::kMessage)));
    case TapLine::Kind::kVersion:
      any_ = true;
      if (read.number < 12 || read.number > 14)
        set_problem("line " + std::to_string(number_) + ": TAP version " +
                    std::to_string(read.number) + " is not known");
      return;
    case TapLine::Kind::kClose:
      return close_subtest(indent);
    case TapLine::Kind::kOther:
      return;
  }
}

// False when `line` does not belong to the block any more.
bool TapParser::read_yaml(std::string_view line) {
  const std::size_t indent = std::min(line.find_first_not_of(' '), line.size());
  if (indent < *yaml_indent_ && indent < line.size()) {
    end_yaml();
    return false;
  }
  const std::string_view content = line.substr(std::min(*yaml_indent_, line.size()));
  if (indent == *yaml_indent_ && content.starts_with("...")) {
    end_yaml();
    return true;
  }
  if (yaml_.size() < 4 * CaseLimits::kDetail) yaml_.append(content).push_back('\n');
  return true;
}

void TapParser::end_yaml() {
  yaml_indent_.reset();
  const std::string block = std::exchange(yaml_, {});
  if (!has_open_case_) return;
  TestCase& test = report_.cases.back();
  TapDiagnostics found = read_tap_diagnostics(block);
  if (found.took) test.took = found.took;
  if (test.status != TestStatus::kFailed) return;
  if (!found.message.empty()) test.message = std::move(found.message);
  detail_.append(block);
}

// Makes the level of a line the current one. False for a line that is indented as no subtest is.
bool TapParser::enter(std::size_t indent) {
  children_.reset();
  end_case();
  while (levels_.back().indent > indent) {
    children_ = levels_.back().first_case;
    check_plan(levels_.back());
    levels_.pop_back();
  }
  // The first line of a subtest may lie in a subtest of it.
  const std::size_t deeper = indent - levels_.back().indent;
  if (deeper % kIndent != 0 || levels_.size() + deeper / kIndent > kDepth) return false;
  while (levels_.back().indent < indent)
    levels_.push_back(
        {.indent = levels_.back().indent + kIndent, .first_case = report_.cases.size()});
  return true;
}

void TapParser::read_plan(const TapLine& line, std::size_t indent) {
  if (!enter(indent)) return;
  any_ = true;
  levels_.back().plan = line.number;
}

void TapParser::read_test(const TapLine& line, std::size_t indent) {
  if (!enter(indent)) return;
  any_ = true;
  ++levels_.back().tests;
  if (line.number != 0) levels_.back().numbers.push_back(line.number);
  if (line.opens) {
    levels_.back().opened_by = line;
  } else {
    conclude(line);
  }
}

void TapParser::close_subtest(std::size_t indent) {
  const bool is_ours = std::ranges::any_of(
      levels_, [indent](const Level& level) { return level.indent == indent && level.opened_by; });
  if (!is_ours || !enter(indent)) return;
  const TapLine test = *std::exchange(levels_.back().opened_by, std::nullopt);
  conclude(test);
}

// A test, whose subtest has just ended if it had one.
void TapParser::conclude(const TapLine& line) {
  if (!children_ || *children_ == report_.cases.size()) return add_case(line);
  bool explained = line.passed;
  for (std::size_t i = *children_; i < report_.cases.size(); ++i) {
    TestCase& child = report_.cases[i];
    const std::string name = one_line(line.text);
    child.suite =
        base::cut_end(child.suite.empty() ? name : name + " > " + child.suite, CaseLimits::kName);
    if (child.status != TestStatus::kFailed) continue;
    explained = true;
    if (line.directive != TapLine::Directive::kNone) child.status = TestStatus::kSkipped;
  }
  if (!explained) add_case(line);
}

void TapParser::add_case(const TapLine& line) {
  if (report_.cases.size() >= limit_) {
    ended_ = true;
    return set_problem("there are more than " + std::to_string(limit_) + " tests");
  }
  TestCase test;
  test.name = base::cut_end(one_line(line.text), CaseLimits::kName);
  if (test.name.empty()) {
    const std::uint64_t number = line.number != 0 ? line.number : levels_.back().tests;
    test.name = "test " + std::to_string(number);
  }
  test.took = line.took;
  if (!line.passed) test.status = TestStatus::kFailed;
  const bool is_todo = line.directive == TapLine::Directive::kTodo;
  if (line.directive == TapLine::Directive::kSkip || (is_todo && !line.passed)) {
    test.status = TestStatus::kSkipped;
    const std::string reason = base::cut_end(one_line(line.reason), CaseLimits::kMessage - 8);
    test.message = is_todo ? one_line("to do: " + reason) : reason;
  }
  report_.cases.push_back(std::move(test));
  has_open_case_ = true;
}

void TapParser::add_comment(const std::string& text) {
  if (has_open_case_ && report_.cases.back().status == TestStatus::kFailed &&
      !text.starts_with("Subtest:"))
    detail_.append(text + "\n");
}

void TapParser::end_case() {
  if (yaml_indent_) end_yaml();
  if (!std::exchange(has_open_case_, false)) return;
  TestCase& test = report_.cases.back();
  test.detail = detail_.str();
  detail_.clear();
  if (test.message.empty())
    test.message = base::cut_end(first_lines(test.detail, kMessageLines), CaseLimits::kMessage);
}

void TapParser::check_plan(Level& level) {
  if (!level.plan) return;
  if (*level.plan == level.tests) return check_numbers(level);
  set_problem("the plan says " + std::to_string(*level.plan) + " tests, but there are " +
              std::to_string(level.tests) + " before line " + std::to_string(number_ + 1));
}

// TAP 14 allows them in any order, and a test without a number anywhere. One that is there twice
// means that another one is not.
void TapParser::check_numbers(Level& level) {
  std::ranges::sort(level.numbers);
  const std::string before = " before line " + std::to_string(number_ + 1);
  const auto twice = std::ranges::adjacent_find(level.numbers);
  if (twice != level.numbers.end())
    set_problem("there is a second test " + std::to_string(*twice) + before);
  if (!level.numbers.empty() && level.numbers.back() > *level.plan)
    set_problem("the plan says " + std::to_string(*level.plan) + " tests, but there is a test " +
                std::to_string(level.numbers.back()) + before);
}

ParsedReport TapParser::finish() {
  if (!ended_) {
    (void)enter(0);
    if (!any_) {
      set_problem("it is no TAP");
    } else if (!levels_.front().plan) {
      set_problem("there is no plan (\"1..N\"), so it may have ended too soon");
    }
    check_plan(levels_.front());
  }
  end_case();
  return std::move(report_);
}

}  // namespace

ParsedReport parse_tap(std::string_view document, std::size_t limit) {
  TapParser parser(limit);
  parser.read(clean_text(document));
  return parser.finish();
}

}  // namespace stagebox::test_reports
