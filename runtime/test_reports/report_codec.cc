#include "runtime/test_reports/report_codec.h"

#include <cstdint>
#include <optional>

#include "runtime/base/utf8.h"
#include "runtime/test_reports/clean_text.h"

namespace stagebox::test_reports {
namespace {

using base::Result;
using std::chrono::microseconds;

// The first byte is the version. Numbers are in base 128, the low digits first; texts have their
// length before them.
constexpr char kVersion = 1;
constexpr std::size_t kReports = 1'000;
constexpr std::size_t kProblem = std::size_t{8} << 10U;
constexpr unsigned kFlaky = 4;
constexpr unsigned kTimed = 8;

void put_number(std::string& bytes, std::uint64_t number) {
  for (; number >= 0x80; number >>= 7U) bytes.push_back(static_cast<char>(number | 0x80U));
  bytes.push_back(static_cast<char>(number));
}

void put_text(std::string& bytes, std::string_view text) {
  put_number(bytes, text.size());
  bytes.append(text);
}

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

base::Error damaged() { return base::corrupt("these are no test results"); }

bool is_clean_text(std::string_view text) {
  while (!text.empty()) {
    const base::Utf8Character character = base::decode_utf8(text);
    if (character.length == 0 || !is_clean(character.code)) return false;
    text.remove_prefix(character.length);
  }
  return true;
}

class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : rest_(bytes) {}

  Result<std::vector<ParsedReport>> reports() {
    if (rest_.empty() || rest_.front() != kVersion) return damaged();
    rest_.remove_prefix(1);
    std::vector<ParsedReport> reports(TRY(number(kReports)));
    for (ParsedReport& report : reports) {
      report.problem = TRY(text(kProblem));
      const std::uint64_t count = TRY(number(CaseLimits::kCases - cases_));
      cases_ += count;
      for (std::uint64_t i = 0; i < count; ++i) report.cases.push_back(TRY(one_case()));
    }
    if (!rest_.empty()) return damaged();
    return reports;
  }

 private:
  Result<TestCase> one_case() {
    TestCase test;
    const std::uint64_t flags = TRY(number(kTimed | kFlaky | 3U));
    if ((flags & 3U) > 2) return damaged();
    test.status = static_cast<TestStatus>(flags & 3U);
    test.flaky = (flags & kFlaky) != 0;
    test.suite = TRY(text(CaseLimits::kName));
    test.name = TRY(text(CaseLimits::kName));
    if ((flags & kTimed) != 0) {
      constexpr std::uint64_t kMost = 1'000'000'000'000'000;  // thirty years
      test.took = microseconds(static_cast<std::int64_t>(TRY(number(kMost))));
    }
    test.message = TRY(text(CaseLimits::kMessage));
    test.detail = TRY(text(CaseLimits::kDetail));
    return test;
  }

  Result<std::uint64_t> number(std::uint64_t most) {
    std::uint64_t number = 0;
    for (unsigned shift = 0; shift < 63 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      number |= std::uint64_t{byte & 0x7FU} << shift;
      if ((byte & 0x80U) != 0) continue;
      if (number > most || (byte == 0 && shift != 0)) break;
      return number;
    }
    return damaged();
  }

  Result<std::string> text(std::size_t most) {
    const std::uint64_t size = TRY(number(most));
    if (size > rest_.size()) return damaged();
    const std::string_view text = rest_.substr(0, size);
    rest_.remove_prefix(size);
    if (!is_clean_text(text)) return damaged();
    return std::string(text);
  }

  std::string_view rest_;
  std::size_t cases_ = 0;
};

}  // namespace

std::string encode_reports(const std::vector<ParsedReport>& reports) {
  std::string bytes(1, kVersion);
  put_number(bytes, reports.size());
  for (const ParsedReport& report : reports) {
    put_text(bytes, cut_end(report.problem, kProblem));
    put_number(bytes, report.cases.size());
    for (const TestCase& test : report.cases) put_case(bytes, test);
  }
  return bytes;
}

Result<std::vector<ParsedReport>> decode_reports(std::string_view bytes) {
  return Decoder(bytes).reports();
}

}  // namespace stagebox::test_reports
