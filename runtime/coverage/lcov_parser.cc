#include "runtime/coverage/lcov_parser.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "runtime/coverage/report_number.h"
#include "runtime/test_reports/clean_text.h"

namespace stagebox::coverage {
namespace {

using base::Result;

constexpr std::string_view kEnd = "end_of_record";

// "DA", "BRDA", "MCDC", ...: newer ones come, and say nothing that is counted here.
bool is_key(std::string_view word) {
  constexpr std::size_t kLongest = 8;
  return !word.empty() && word.size() <= kLongest &&
         std::ranges::all_of(word, [](char c) { return c >= 'A' && c <= 'Z'; });
}

class LcovParser {
 public:
  explicit LcovParser(CoverageBuilder& builder) : builder_(builder) {}

  Result<void> line(std::string_view line) {
    if (line.empty() || line.front() == '#') return {};
    if (line == kEnd) return end_record();
    const std::size_t colon = line.find(':');
    const std::string_view key = line.substr(0, colon);
    if (colon == std::string_view::npos || !is_key(key))
      return base::invalid("this is no line of an LCOV tracefile");
    const std::string_view value = line.substr(colon + 1);
    if (key == "SF") return begin_record(value);
    if (key == "DA") return executed(value);
    if (key == "BRDA") return branch(value);
    if (key == "LF" || key == "LH") return sum(key, value);
    return {};
  }

  Result<void> end() const {
    if (is_open_)
      return base::invalid("it ends in the record of a source file: there is no end_of_record");
    return {};
  }

 private:
  Result<void> begin_record(std::string_view name) {
    TRY(end());
    TRY(builder_.open_file(name));
    is_open_ = true;
    has_lines_ = false;
    found_ = covered_ = 0;
    return {};
  }

  Result<void> end_record() {
    TRY(must_be_open());
    is_open_ = false;
    if (covered_ > found_)
      return base::invalid("it says that " + std::to_string(covered_) + " of " +
                           std::to_string(found_) + " lines were executed");
    if (found_ != 0 && !has_lines_)
      return base::invalid("it says that a source file has lines (LF), and lists none (DA)");
    return {};
  }

  Result<void> must_be_open() const {
    if (!is_open_) return base::invalid("it belongs to no source file: there is no SF before it");
    return {};
  }

  // LINE,COUNT[,CHECKSUM]
  Result<void> executed(std::string_view value) {
    TRY(must_be_open());
    const std::size_t comma = value.find(',');
    const auto number = parse_count(value.substr(0, comma));
    if (comma == std::string_view::npos || !number) return malformed("DA");
    const std::string_view rest = value.substr(comma + 1);
    const auto hit = parse_hits(rest.substr(0, rest.find(',')));
    if (!hit) return malformed("DA");
    has_lines_ = true;
    return builder_.add_line(*number, *hit);
  }

  // LINE,BLOCK,BRANCH,TAKEN, where BRANCH may be an expression with commas.
  Result<void> branch(std::string_view value) {
    TRY(must_be_open());
    const std::size_t first = value.find(',');
    const std::size_t last = value.rfind(',');
    if (first == last) return malformed("BRDA");
    const std::string_view taken = value.substr(last + 1);
    const auto number = parse_count(value.substr(0, first));
    const auto hit = taken == "-" ? std::optional(false) : parse_hits(taken);
    if (!number || !hit) return malformed("BRDA");
    return builder_.add_branch(*number, value.substr(first + 1, last - first - 1), *hit);
  }

  Result<void> sum(std::string_view key, std::string_view value) {
    TRY(must_be_open());
    const auto number = parse_count(value);
    if (!number) return malformed(key);
    (key == "LF" ? found_ : covered_) = *number;
    return {};
  }

  static base::Error malformed(std::string_view key) {
    return base::invalid("this is no " + std::string(key) + " record");
  }

  CoverageBuilder& builder_;
  bool is_open_ = false;
  bool has_lines_ = false;  ///< Of the record that is open.
  std::uint32_t found_ = 0;
  std::uint32_t covered_ = 0;
};

}  // namespace

Result<void> read_lcov(std::string_view document, CoverageBuilder& builder) {
  constexpr std::string_view kSpace = " \t\r";
  if (document.starts_with("\xef\xbb\xbf")) document.remove_prefix(3);
  if (test_reports::is_blank(document)) return base::invalid("it is empty");
  LcovParser parser(builder);
  for (std::size_t number = 1; !document.empty(); ++number) {
    const std::size_t end = std::min(document.find('\n'), document.size());
    std::string_view line = document.substr(0, end);
    document.remove_prefix(std::min(end + 1, document.size()));
    line = line.substr(0, line.find_last_not_of(kSpace) + 1);
    auto read = parser.line(line);
    if (!read.ok())
      return base::invalid("line " + std::to_string(number) + ": " + read.error().message);
  }
  return parser.end();
}

}  // namespace stagebox::coverage
