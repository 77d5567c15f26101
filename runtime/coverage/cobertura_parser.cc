#include "runtime/coverage/cobertura_parser.h"

#include <cstddef>
#include <string>

#include "runtime/coverage/report_number.h"
#include "runtime/test_reports/clean_text.h"
#include "runtime/test_reports/xml_reader.h"

namespace stagebox::coverage {
namespace {

using base::Result;
using test_reports::XmlAttributes;

class CoberturaParser final : public test_reports::XmlHandler {
 public:
  explicit CoberturaParser(CoverageBuilder& builder) : builder_(builder) {}

  Result<void> on_start(std::string_view name, const XmlAttributes& attributes) override;
  void on_text(std::string_view text) override;
  Result<void> on_end(std::string_view name) override;

 private:
  Result<void> begin(std::string_view root, const XmlAttributes& attributes);
  Result<void> open_class(std::string_view file_name);
  Result<void> add_line(const XmlAttributes& attributes);
  Result<void> add_branches(std::uint32_t number, std::string_view text);

  CoverageBuilder& builder_;
  std::size_t depth_ = 0;        ///< Of the element that is open.
  std::size_t class_depth_ = 0;  ///< 0: no class is open.
  bool in_source_ = false;
  bool says_lines_ = false;
  bool has_lines_ = false;
  std::size_t sources_ = 0;
  std::string source_;  ///< Of the first one; longer than a path may be only by one text.
};

Result<void> CoberturaParser::on_start(std::string_view name, const XmlAttributes& attributes) {
  ++depth_;
  if (depth_ == 1) return begin(name, attributes);
  if (class_depth_ != 0) return name == "line" ? add_line(attributes) : Result<void>();
  if (name == "source") {
    in_source_ = true;
    ++sources_;
  } else if (name == "class") {
    class_depth_ = depth_;
    return open_class(attributes.text("filename"));
  }
  return {};
}

Result<void> CoberturaParser::begin(std::string_view root, const XmlAttributes& attributes) {
  if (root != "coverage")
    return base::invalid("the document is no <coverage>, which a Cobertura report is");
  const auto lines = parse_count(attributes.text("lines-valid"));
  says_lines_ = lines && *lines != 0;
  return {};
}

void CoberturaParser::on_text(std::string_view text) {
  if (in_source_ && sources_ == 1 && source_.size() <= CoverageLimits::kPath) source_ += text;
}

Result<void> CoberturaParser::on_end(std::string_view /*name*/) {
  const std::size_t depth = depth_--;
  in_source_ = false;
  if (class_depth_ == depth) class_depth_ = 0;
  if (depth == 1 && says_lines_ && !has_lines_)
    return base::invalid("it says that there are lines (lines-valid), and lists none (<line>)");
  return {};
}

Result<void> CoberturaParser::open_class(std::string_view file_name) {
  if (file_name.empty()) return base::invalid("a class has no file name");
  const std::string source = test_reports::one_line(source_);
  const bool has_root = sources_ == 1 && !source.empty() && source != ".";
  if (!has_root || file_name.front() == '/') return builder_.open_file(file_name);
  return builder_.open_file(source + "/" + std::string(file_name));
}

Result<void> CoberturaParser::add_line(const XmlAttributes& attributes) {
  const auto number = parse_count(attributes.text("number"));
  const auto hit = parse_hits(attributes.text("hits"));
  if (!number || !hit) return base::invalid("this <line> has no `number` or no `hits`");
  has_lines_ = true;
  TRY(builder_.add_line(*number, *hit));
  return add_branches(*number, attributes.text("condition-coverage"));
}

// "50% (1/2)"; some say no more than "50%", of which nothing can be counted.
Result<void> CoberturaParser::add_branches(std::uint32_t number, std::string_view text) {
  const std::size_t open = text.find('(');
  const std::size_t slash = text.find('/', open);
  const std::size_t close = text.find(')', slash);
  if (open == std::string_view::npos || slash == std::string_view::npos ||
      close == std::string_view::npos)
    return {};
  const auto taken = parse_count(text.substr(open + 1, slash - open - 1));
  const auto all = parse_count(text.substr(slash + 1, close - slash - 1));
  if (!taken || !all) return base::invalid("this <line> has no `condition-coverage`");
  return builder_.add_branches(number, *taken, *all);
}

}  // namespace

Result<void> read_cobertura(std::string_view document, CoverageBuilder& builder) {
  if (test_reports::is_blank(document)) return base::invalid("it is empty");
  CoberturaParser parser(builder);
  return read_xml(document, parser);
}

}  // namespace stagebox::coverage
