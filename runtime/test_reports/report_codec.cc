#include "runtime/test_reports/report_codec.h"

#include <cstdint>
#include <optional>

#include "runtime/base/utf8.h"
#include "runtime/test_reports/byte_codec.h"
#include "runtime/test_reports/clean_text.h"

namespace stagebox::test_reports {
namespace {

using base::Result;
using std::chrono::microseconds;

// The first byte is the version.
constexpr char kVersion = 1;
constexpr std::size_t kReports = 1'000;
constexpr std::size_t kProblem = std::size_t{8} << 10U;
constexpr unsigned kFlaky = 4;
constexpr unsigned kTimed = 8;

void put_case(std::string& bytes, const TestCase& test) {
  auto flags = static_cast<unsigned>(test.status);
  if (test.flaky) flags |= kFlaky;
  if (test.took) flags |= kTimed;
  put_number(bytes, flags);
  put_text(bytes, test.suite);
  put_text(bytes, test.name);
  if (test.took) put_number(bytes, static_cast<std::uint64_t>(test.took->count()));
  put_text(bytes, test.message);
  put_text(bytes, test.detail);
}

class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : rest_(bytes, "test results") {}

  Result<std::vector<ParsedReport>> reports() {
    TRY(rest_.expect(kVersion));
    std::vector<ParsedReport> reports(TRY(rest_.number(kReports)));
    for (ParsedReport& report : reports) {
      report.problem = TRY(rest_.text(kProblem));
      const std::uint64_t count = TRY(rest_.number(CaseLimits::kCases - cases_));
      cases_ += count;
      for (std::uint64_t i = 0; i < count; ++i) report.cases.push_back(TRY(one_case()));
    }
    if (!rest_.at_end()) return rest_.damaged();
    return reports;
  }

 private:
  Result<TestCase> one_case() {
    TestCase test;
    const std::uint64_t flags = TRY(rest_.number(kTimed | kFlaky | 3U));
    if ((flags & 3U) > 2) return rest_.damaged();
    test.status = static_cast<TestStatus>(flags & 3U);
    test.flaky = (flags & kFlaky) != 0;
    test.suite = TRY(rest_.text(CaseLimits::kName));
    test.name = TRY(rest_.text(CaseLimits::kName));
    if ((flags & kTimed) != 0) {
      constexpr std::uint64_t kMost = 1'000'000'000'000'000;  // thirty years
      test.took = microseconds(static_cast<std::int64_t>(TRY(rest_.number(kMost))));
    }
    test.message = TRY(rest_.text(CaseLimits::kMessage));
    test.detail = TRY(rest_.text(CaseLimits::kDetail));
    return test;
  }

  ByteReader rest_;
  std::size_t cases_ = 0;
};

}  // namespace

std::string encode_reports(const std::vector<ParsedReport>& reports) {
  std::string bytes(1, kVersion);
  put_number(bytes, reports.size());
  for (const ParsedReport& report : reports) {
    put_text(bytes, base::cut_end(report.problem, kProblem));
    put_number(bytes, report.cases.size());
    for (const TestCase& test : report.cases) put_case(bytes, test);
  }
  return bytes;
}

Result<std::vector<ParsedReport>> decode_reports(std::string_view bytes) {
  return Decoder(bytes).reports();
}

}  // namespace stagebox::test_reports
