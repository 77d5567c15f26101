#include "runtime/test_reports/junit_parser.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "runtime/base/parse_number.h"
#include "runtime/base/utf8.h"
#include "runtime/test_reports/clean_text.h"
#include "runtime/test_reports/suite_places.h"
#include "runtime/test_reports/telling_lines.h"
#include "runtime/test_reports/xml_reader.h"

namespace stagebox::test_reports {
namespace {

using base::Result;
using std::chrono::microseconds;

// As `message` they say no more than that it failed: the text below does.
constexpr std::array<std::string_view, 7> kEmptyWords{
    "", "Failed", "failed", "FAILED", "Test failed", "Build error", "collection failure"};
// As `classname` of every case (Node.js): the names of the suites around tell more.
constexpr std::string_view kAnyClass = "test";
// As `type` of a <skipped>: the case may fail (Node.js).
constexpr std::string_view kTodo = "todo";
// Begins a `message` of gotestsum's, which is all that go test said.
constexpr std::string_view kGoFrame = "=== RUN";
// Begins ctest's `message` of what skipped itself (SKIP_RETURN_CODE, SKIP_REGULAR_EXPRESSION).
constexpr std::string_view kCtestSkip = "SKIP_";

template <std::size_t kSize>
bool is_one_of(const std::array<std::string_view, kSize>& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

// 0 for what is no number.
std::uint64_t parse_count(std::string_view text) {
  return base::parse_number<std::uint32_t>(text).value_or(0);
}

// "0.5", "1,234.5" (Surefire), "0,5" (in other languages); nothing for what is no duration.
std::optional<microseconds> parse_seconds(std::string_view text) {
  std::string digits;
  const bool has_point = text.find('.') != std::string_view::npos;
  for (const char c : text) {
    if (c != ',')
      digits.push_back(c);
    else if (!has_point)
      digits.push_back('.');
  }
  double seconds = 0;
  const char* last = digits.data() + digits.size();
  const auto [end, error] = std::from_chars(digits.data(), last, seconds);
  constexpr double kMost = 1e9;
  const bool fits = seconds >= 0 && seconds < kMost;  // not so for NaN
  if (error != std::errc() || end != last || !fits) return std::nullopt;
  return microseconds(std::llround(seconds * 1e6));
}

class JunitParser final : public XmlHandler {
 public:
  explicit JunitParser(std::size_t limit) : limit_(limit) {}

  Result<void> on_start(std::string_view name, const XmlAttributes& attributes) override;
  void on_text(std::string_view text) override;
  Result<void> on_end(std::string_view name) override;

  std::vector<TestCase> take() {
    tell_places_apart(cases_, place_of_, places_);
    return std::move(cases_);
  }
  /// Why a document that is whole is no whole report; empty when it is one.
  [[nodiscard]] std::string problem() const;

 private:
  enum class Part {
    kNone,
    kFailure,  ///< The text of a failure that counts.
    kOther,    ///< Of one that does not, of a skip, and of what was printed.
    kOutput,
  };
  /// A <testsuite>, or the <testsuites> around them.
  struct OpenSuite {
    std::string name;
    std::string host;
    std::optional<std::size_t> place = {};  ///< Which of places_; none before its first case.
  };
  void start_suite(const XmlAttributes& attributes);
  void start_case(const XmlAttributes& attributes);
  void start_part(std::string_view name, const XmlAttributes& attributes);
  void fail(const XmlAttributes& attributes);
  void skip(const XmlAttributes& attributes);
  void set_message(std::string_view message);
  [[nodiscard]] std::string suite_of(std::string_view class_name, std::string_view name) const;
  [[nodiscard]] std::string suite_path() const;
  void note_place();
  Result<void> end_case();
  void end_part();

  std::size_t limit_;
  std::uint64_t counted_ = 0;      ///< The most tests that a suite says it has.
  std::uint64_t skipped_ = 0;      ///< How many all say were skipped, some of them twice.
  std::size_t depth_ = 0;          ///< Of the element that is open.
  std::size_t skipped_below_ = 0;  ///< Everything deeper is of no interest; 0: nothing is.
  std::vector<OpenSuite> suites_;  ///< From the outermost on.
  std::size_t case_depth_ = 0;     ///< 0: none is open.
  bool is_suites_own_ = false;     ///< A failure of a suite, without a case.
  TestCase test_;
  bool has_failed_try_ = false;
  bool has_failure_ = false;
  bool is_marked_skipped_ = false;
  bool is_marked_failed_ = false;
  bool is_ctests_not_run_ = false;    ///< By its attributes, a test of ctest's that did not run.
  bool is_expected_to_fail_ = false;  ///< Whatever became of it (Node.js).
  Part part_ = Part::kNone;
  std::size_t part_depth_ = 0;
  BoundedText text_{CaseLimits::kDetail};    ///< Of the part that is open.
  BoundedText detail_{CaseLimits::kDetail};  ///< Of all failures.
  BoundedText output_{CaseLimits::kDetail};
  std::vector<TestCase> cases_;
  std::vector<SuitePlace> places_;     ///< Of suites with cases of their own.
  std::vector<std::size_t> place_of_;  ///< Of each case.
};

Result<void> JunitParser::on_start(std::string_view name, const XmlAttributes& attributes) {
  ++depth_;
  if (depth_ == 1 && name != "testsuites" && name != "testsuite")
    return base::invalid("the document is a <" + base::cut_end(name, 64) +
                         ">; a JUnit report is <testsuites> or <testsuite>");
  if (skipped_below_ != 0 || part_ != Part::kNone) return {};
  if (case_depth_ != 0) {
    start_part(name, attributes);
  } else if (name == "testsuite" || name == "testsuites") {
    start_suite(attributes);
  } else if (name == "testcase") {
    start_case(attributes);
  } else if (name == "failure" || name == "error") {
    // Of the suite as a whole: a class that could not be set up, a package that did not compile.
    test_ = {};
    test_.suite = suites_.empty() ? "" : suites_.back().name;
    test_.name = "(the suite itself)";
    is_suites_own_ = true;
    case_depth_ = depth_;
    fail(attributes);
  } else {
    skipped_below_ = depth_;
  }
  return {};
}

void JunitParser::start_suite(const XmlAttributes& attributes) {
  const auto text = [&attributes](const char* name) {
    return one_line(base::cut_end(attributes.text(name), CaseLimits::kName));
  };
  OpenSuite suite{.name = text("name"), .host = text("hostname")};
  if (suite.host.empty() && !suites_.empty()) suite.host = suites_.back().host;
  suites_.push_back(std::move(suite));
  counted_ = std::max(counted_, parse_count(attributes.text("tests")));
  skipped_ += parse_count(attributes.text("skipped")) + parse_count(attributes.text("disabled"));
}

// Runners count other things than cases, too: assertions, sub-tests, steps. And some do not list
// what they skip. But one that ran some tests and lists none lost them.
std::string JunitParser::problem() const {
  if (counted_ <= skipped_ || !cases_.empty()) return {};
  return "it says that there are " + std::to_string(counted_) + " tests, and lists none";
}

void JunitParser::start_case(const XmlAttributes& attributes) {
  test_ = {};
  const std::string name = one_line(attributes.text("name"));
  test_.name = name.empty() ? "(no name)" : base::cut_end(name, CaseLimits::kName);
  test_.suite = suite_of(one_line(attributes.text("classname")), name);
  if (const auto time = attributes.find("time")) test_.took = parse_seconds(*time);
  static constexpr std::array<std::string_view, 5> kSkipped{"notrun", "disabled", "skipped",
                                                            "suppressed", "ignored"};
  static constexpr std::array<std::string_view, 4> kFailed{"fail", "failed", "failure", "error"};
  const auto says = [&attributes](const auto& words) {
    return is_one_of(words, attributes.text("status")) ||
           is_one_of(words, attributes.text("result"));
  };
  is_marked_skipped_ = says(kSkipped);
  is_marked_failed_ = says(kFailed);
  is_ctests_not_run_ = attributes.text("status") == "notrun" && !name.empty() &&
                       attributes.text("classname") == attributes.text("name");
  has_failed_try_ = has_failure_ = is_suites_own_ = is_expected_to_fail_ = false;
  detail_.clear();
  output_.clear();
  case_depth_ = depth_;
}

std::string JunitParser::suite_of(std::string_view class_name, std::string_view name) const {
  if (!class_name.empty() && class_name != name && class_name != kAnyClass)
    return base::cut_end(class_name, CaseLimits::kName);
  if (class_name == name && !name.empty()) return {};  // jest-junit, ctest
  const std::string path = suite_path();
  return path.empty() ? base::cut_end(class_name, CaseLimits::kName) : path;
}

std::string JunitParser::suite_path() const {
  std::string path;
  for (const OpenSuite& suite : suites_) {
    if (!suite.name.empty()) path += (path.empty() ? "" : " > ") + suite.name;
  }
  return base::cut_end(path, CaseLimits::kName);
}

// Of the case that is added now. It stands in a suite: the document's outermost element is one.
void JunitParser::note_place() {
  OpenSuite& suite = suites_.back();
  if (!suite.place) {
    suite.place = places_.size();
    places_.push_back({suite_path(), suite.host});
  }
  place_of_.push_back(*suite.place);
}

void JunitParser::start_part(std::string_view name, const XmlAttributes& attributes) {
  part_depth_ = depth_;
  text_.clear();
  if (name == "failure" || name == "error") {
    fail(attributes);
  } else if (name == "flakyFailure" || name == "flakyError") {
    has_failed_try_ = true;
    if (test_.message.empty()) set_message(attributes.text("message"));
    part_ = Part::kFailure;
  } else if (name == "skipped") {
    skip(attributes);
  } else if (name == "system-out") {
    part_ = Part::kOutput;
  } else {
    part_ = Part::kOther;  // system-err, properties, rerunFailure, ...
  }
}

void JunitParser::fail(const XmlAttributes& attributes) {
  part_ = Part::kFailure;
  part_depth_ = depth_;
  if (!has_failure_) {
    test_.message.clear();  // Of a skip, or of a try before.
    set_message(attributes.text("message"));
  }
  has_failure_ = true;
  test_.status = TestStatus::kFailed;
}

void JunitParser::skip(const XmlAttributes& attributes) {
  part_ = Part::kOther;
  if (has_failure_) return;
  test_.status = TestStatus::kSkipped;
  if (attributes.text("type") == kTodo) {
    is_expected_to_fail_ = true;
    return;
  }
  const std::string_view message = attributes.text("message");
  set_message(message.starts_with(kGoFrame) ? telling_lines(message) : message);
  // A program or a fixture that is not there; ctest counts it among the failed ones.
  if (is_ctests_not_run_ && !message.empty() && !message.starts_with(kCtestSkip))
    test_.status = TestStatus::kFailed;
}

void JunitParser::set_message(std::string_view message) {
  if (is_one_of(kEmptyWords, message)) return;
  test_.message = base::cut_end(message, CaseLimits::kMessage);
}

void JunitParser::on_text(std::string_view text) {
  if (part_ != Part::kNone) text_.append(text);
}

Result<void> JunitParser::on_end(std::string_view name) {
  const std::size_t depth = depth_--;
  if (skipped_below_ != 0) {
    if (skipped_below_ == depth) skipped_below_ = 0;
    return {};
  }
  if (part_ != Part::kNone && part_depth_ == depth) end_part();
  if (case_depth_ != 0 && case_depth_ == depth) return end_case();
  const bool is_suite = name == "testsuite" || name == "testsuites";
  if (case_depth_ == 0 && is_suite && !suites_.empty()) suites_.pop_back();
  return {};
}

void JunitParser::end_part() {
  const Part part = std::exchange(part_, Part::kNone);
  if (text_.empty()) return;
  const std::string text = text_.str();
  text_.clear();
  if (part == Part::kFailure) {
    if (!detail_.empty()) detail_.append("\n");
    detail_.append(text);
  } else if (part == Part::kOutput) {
    output_.append(text);
  } else if (test_.status == TestStatus::kSkipped && test_.message.empty()) {
    test_.message = base::cut_end(first_line(text), CaseLimits::kMessage);
  }
}

Result<void> JunitParser::end_case() {
  case_depth_ = 0;
  if (cases_.size() >= limit_)
    return base::invalid("there are more than " + std::to_string(limit_) + " test cases");
  if (is_expected_to_fail_) test_.status = TestStatus::kSkipped;
  if (!has_failure_ && test_.status == TestStatus::kPassed) {
    if (is_marked_failed_) test_.status = TestStatus::kFailed;
    if (is_marked_skipped_) test_.status = TestStatus::kSkipped;
  }
  test_.flaky = has_failed_try_ && test_.status == TestStatus::kPassed;
  test_.detail = detail_.str();
  // ctest says nothing of a failure: what the test printed is all there is.
  if (test_.status == TestStatus::kFailed && test_.detail.empty()) test_.detail = output_.str();
  if (test_.message.empty() && test_.status == TestStatus::kFailed)
    test_.message = base::cut_end(telling_lines(test_.detail), CaseLimits::kMessage);
  detail_.clear();
  output_.clear();
  has_failure_ = false;
  cases_.push_back(std::move(test_));
  note_place();
  return {};
}

}  // namespace

ParsedReport parse_junit(std::string_view document, std::size_t limit) {
  ParsedReport report;
  if (is_blank(document)) {
    report.problem = "it is empty";
    return report;
  }
  JunitParser parser(limit);
  const auto read = read_xml(document, parser);
  report.problem = read.ok() ? parser.problem() : read.error().message;
  report.cases = parser.take();
  return report;
}

}  // namespace stagebox::test_reports
