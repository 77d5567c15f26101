#include "runtime/markdown/markdown_parser.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "runtime/markdown/markup_codec.h"

namespace stagebox::markdown {
namespace {

// One line: "heading:1(text)".
std::string told(const std::vector<Token>& tokens) {
  constexpr std::array<const char*, 23> kNames{
      "",      "",     "br",       "rule", "code", "block",   "p",    "h",
      "quote", "list", "numbered", "item", "task", "table",   "row",  "th",
      "td",    "em",   "strong",   "del",  "link", "details", "title"};
  std::string text;
  for (const Token& token : tokens) {
    if (token.markup == Markup::kText) {
      text += token.text;
    } else if (token.markup == Markup::kEnd) {
      text += ")";
    } else {
      text += kNames.at(static_cast<std::size_t>(token.markup));
      if (!token.text.empty()) text += "<" + token.text + ">";
      if (has_end(token.markup)) text += "(";
    }
  }
  return text;
}
std::string read(std::string_view markdown) { return told(read_markdown(markdown).tokens); }

TEST(MarkdownParser, Blocks) {
  EXPECT_EQ(read("# One\n\nTwo\nthree\n\n***\n"), "h<1>(One)p(Two\nthree)rule");
  EXPECT_EQ(read("> said\n"), "quote(p(said))");
  EXPECT_EQ(read("```sh\nmake <all>\n```\n"), "block<make <all>\n>");
  EXPECT_EQ(read("- a\n- b\n  1. c\n"), "list(item(a)item(bnumbered<1>(item(c))))");
  EXPECT_EQ(read("7. a\n\n8. b\n"), "numbered<7>(item(p(a))item(p(b)))");
  EXPECT_EQ(read("- [x] done\n- [ ] open\n"), "list(task<x>(done)task(open))");
  EXPECT_EQ(read("| a | b | c |\n|---|--:|:-:|\n| 1 | `2` | 3 |\n| *4* |\n"),
            "table(row(th(a)th<right>(b)th<center>(c))row(td(1)td<right>(code<2>)td<center>(3))"
            "row(td(em(4))td<right>()td<center>()))");
}

TEST(MarkdownParser, Inlines) {
  EXPECT_EQ(read("*a* **b** ~~c~~ `d`"), "p(em(a) strong(b) del(c) code<d>)");
  EXPECT_EQ(read("a  \nb"), "p(abrb)");
  EXPECT_EQ(read("[x](https://a.example/?y=1&z)"), "p(link<https://a.example/?y=1&z>(x))");
  EXPECT_EQ(read("https://a.example"), "p(link<https://a.example>(https://a.example))");
  EXPECT_EQ(read("![what it shows](http://a.example/i.png)"),
            "p(link<http://a.example/i.png>(what it shows))");
  EXPECT_EQ(read("&amp;&#60;script&gt;"), "p(&<script>)");
}

TEST(MarkdownParser, LinksLeadToThePublicOnly) {
  for (const char* url :
       {"javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "file:///etc/passwd",
        "./other.md", "//a.example", "vbscript:x", "&#106;avascript:alert(1)"})
    EXPECT_EQ(read("[x](" + std::string(url) + ")"), "p(x)") << url;
  EXPECT_TRUE(is_link("MAILTO:a@b.example"));
  EXPECT_FALSE(is_link("https://a.example/ b"));
  EXPECT_FALSE(is_link("java\nscript:alert(1)"));
  EXPECT_FALSE(is_link(""));
}

TEST(MarkdownParser, HtmlIsTextButForWhatFolds) {
  EXPECT_EQ(read("<script>alert(1)</script>\n"), "<script>alert(1)</script>\n");
  EXPECT_EQ(read("a <b onclick=x>b</b><br/><!-- hidden -->c<BR>"), "p(a <b onclick=x>b</b>brcbr)");
  EXPECT_EQ(
      read("<details open>\n<summary>All <i>of</i> it</summary>\n\n- a\n\n</details>\n\nafter\n"),
      "details(title(All <i>of</i> it)list(item(a)))p(after)");
  EXPECT_EQ(read("<details>\n\nnever closed"), "details(p(never closed))");
  EXPECT_EQ(read("</details>\n\na </summary> b"), "p(a  b)") << "what is not open is not closed";
  EXPECT_EQ(read("> <details>\n\nout of it\n\n</details>\n"), "quote(details())p(out of it)");
  EXPECT_EQ(read("<details>\n\n> </details>\n\nin it\n"), "details(quote()p(in it))");
  EXPECT_EQ(read("<!-- never closed\n<details>"), "");
  EXPECT_EQ(read("1 < 2 <"), "p(1 < 2 <)");
}

TEST(MarkdownParser, WhateverBytes) {
  EXPECT_EQ(read(""), "");
  EXPECT_EQ(read("a\xff\x1b[31mred\x1b[0m\x07\r\n"), "p(a\xef\xbf\xbdred\xef\xbf\xbd)");
  EXPECT_EQ(read("a&#7;b\\&#x1b;c"),
            "p(a\xef\xbf\xbd"
            "b&#x1b;c)")
      << "what an escape stands for is looked at, too";
  EXPECT_EQ(read(std::string_view("a\0b", 3)),
            "p(a\xef\xbf\xbd"
            "b)");
}

TEST(MarkdownParser, WhatIsTooMuchIsLeftOut) {
  std::string lines;
  while (lines.size() <= MarkupLimits::kText) lines += "a line of text\n";
  const Document cut = read_markdown(lines);
  EXPECT_TRUE(cut.is_cut);
  EXPECT_LE(cut.text.size(), MarkupLimits::kText);
  EXPECT_GT(cut.text.size(), MarkupLimits::kText - 20);
  EXPECT_TRUE(cut.text.ends_with("text\n")) << "whole lines";
  const Document line = read_markdown(std::string(MarkupLimits::kText + 10, 'x'));
  EXPECT_EQ(line.text.size(), MarkupLimits::kText) << "there is only one";
  EXPECT_FALSE(read_markdown(lines.substr(0, MarkupLimits::kText)).is_cut);
  std::string many;
  for (std::size_t i = 0; i < MarkupLimits::kTokens; ++i) many += "`a`\n";
  const Document elements = read_markdown(many);
  EXPECT_TRUE(elements.is_cut);
  EXPECT_LE(elements.tokens.size(), MarkupLimits::kTokens);
  EXPECT_TRUE(decode_document(encode_document(elements)).ok());
}

// In which parsers are known to lose themselves. What comes is what a decoder takes.
TEST(MarkdownParser, HostileTextIsReadToItsEnd) {
  constexpr std::size_t kBytes = std::size_t{64} << 10U;
  const auto times = [](std::string_view text) {
    std::string all;
    while (all.size() + text.size() <= kBytes) all += text;
    return all;
  };
  std::string fences;
  for (std::size_t i = 1; i < 350; ++i) fences += std::string(i, '`') + " ";
  std::string lists;
  for (std::size_t i = 0; i < 350; ++i) lists += std::string(i, ' ') + "- a\n";
  for (const std::string& text : {times("["),
                                  times("![l"),
                                  times("*"),
                                  times("*a "),
                                  times("a**b"),
                                  times("_a_ "),
                                  times("`"),
                                  times(">"),
                                  times("<"),
                                  times("<a "),
                                  times("<!--"),
                                  times("[a]("),
                                  times("[a](<"),
                                  times("[a]: b\n"),
                                  times("|a"),
                                  times("|a|\n|-|\n"),
                                  times(" ") + "x",
                                  times("\n"),
                                  times("http://"),
                                  times("a@a."),
                                  times("\\["),
                                  times("~~a"),
                                  times("> - "),
                                  times("- "),
                                  times("1. "),
                                  times("&"),
                                  times("<details>"),
                                  "<div " + times("<"),
                                  "<div " + times("<br "),
                                  "<div " + times("<br ") + ">",
                                  times("<details>\n\n"),
                                  times("</details>"),
                                  times("<summary><br>"),
                                  "|a" + times("|a") + "\n" + times("|-"),
                                  fences,
                                  lists}) {
    const Document document = read_markdown(text);
    EXPECT_FALSE(document.is_cut) << text.substr(0, 20);
    const auto decoded = decode_document(encode_document(document));
    ASSERT_TRUE(decoded.ok()) << text.substr(0, 20);
    EXPECT_EQ(*decoded, document) << text.substr(0, 20);
  }
}

}  // namespace
}  // namespace stagebox::markdown
