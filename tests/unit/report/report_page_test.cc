// The page around the data: that nothing in the data is anything else than data.
#include "runtime/report/report_page.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "runtime/base/digest.h"

namespace stagebox::report {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kBegin = "<script type=\"application/json\" id=\"data\">";

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t found = 0;
  for (std::size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1))
    ++found;
  return found;
}

/// What a browser takes as the data: up to the first "</script".
std::string data_of(const std::string& page) {
  const std::size_t begin = page.find(kBegin) + kBegin.size();
  return page.substr(begin, page.find("</script", begin) - begin);
}

TEST(ReportPageTest, NoTextInTheDataEndsOrChangesItsElement) {
  for (const std::string text :
       {"</script><script>x()</script>", "<!--<script>", "</SCRIPT ", "<", "a<b>&amp;\"'\\"}) {
    const json data{{"text", text}};
    const std::string page = page_of("title", data.dump());
    EXPECT_EQ(json::parse(data_of(page)), data) << text;
    EXPECT_EQ(data_of(page).find('<'), std::string::npos) << text;
    EXPECT_EQ(count(page, "<script"), 2U) << text;
  }
}

TEST(ReportPageTest, ATitleIsText) {
  const std::string page = page_of("a</title><script>x()</script>&lt;", "{}");
  EXPECT_THAT(page, HasSubstr("<title>a&lt;/title>&lt;script>x()&lt;/script>&amp;lt;</title>"));
  EXPECT_THAT(page_of("\xff<b>", "{}"), HasSubstr("<title>\xef\xbf\xbd</title>"));
}

TEST(ReportPageTest, ThePolicyAllowsTheScriptAndTheStyleByTheirDigestsAndNothingElse) {
  const std::string page = page_of("title", "{}");
  const std::size_t begin = page.find("content=\"default-src 'none'; script-src 'sha256-");
  ASSERT_NE(begin, std::string::npos);
  const std::string policy = page.substr(begin, page.find('>', begin) - begin);
  EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
  EXPECT_EQ(count(policy, "'sha256-"), 2U);
  EXPECT_LT(begin, page.find("<style>")) << "it holds from where it stands on";
  EXPECT_LT(begin, page.find("<script"));
  EXPECT_THAT(page, HasSubstr("<style>" + std::string(page_style()) + "</style>"));
  EXPECT_THAT(page, HasSubstr("<script>" + std::string(page_script()) + "</script>"));
}

TEST(ReportPageTest, TheScriptAndTheStyleCannotEndTheirElementsEither) {
  EXPECT_THAT(std::string(page_script()), Not(HasSubstr("</script")));
  EXPECT_THAT(std::string(page_script()), Not(HasSubstr("<!--")));
  EXPECT_THAT(std::string(page_style()), Not(HasSubstr("</style")));
}

// The one way in which a text could become markup.
TEST(ReportPageTest, TheScriptMakesNoMarkupOfText) {
  for (const char* word :
       {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function",
        "DOMParser", "createContextualFragment", "srcdoc"})
    EXPECT_THAT(std::string(page_script()), Not(HasSubstr(word)));
  // Of a link it is looked at, in the one place that makes some, where it leads.
  const std::string script(page_script());
  const std::size_t href = script.find("href");
  ASSERT_NE(href, std::string::npos);
  EXPECT_EQ(script.find("href", href + 1), std::string::npos);
  EXPECT_THAT(script.substr(0, href),
              HasSubstr("if (!/^(https?:\\/\\/|mailto:)/i.test(url)) return"));
}

}  // namespace
}  // namespace stagebox::report
