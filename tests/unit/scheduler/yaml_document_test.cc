#include "scheduler/yaml/yaml_document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stagebox::scheduler {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// The document, and what there was to say about it.
struct Parsed {
  std::optional<YamlDocument> document;
  std::string messages;

  const YamlNode& root() const { return document->root(); }
};

Parsed parse(std::string_view text, const YamlLimits& limits = {}) {
  Diagnostics diagnostics("f");
  auto document = parse_yaml(text, diagnostics, limits);
  return {std::move(document), diagnostics.render()};
}

TEST(YamlDocument, KeepsPositionsAndStyles) {
  const Parsed parsed = parse("a: 1\n\u00e4\u00e4: 'x'\nlist:\n  - \"q\"\n  - |\n    block\n");
  ASSERT_EQ(parsed.messages, "");
  const YamlNode& root = parsed.root();
  EXPECT_EQ(root.find("a")->style, ScalarStyle::kPlain);
  EXPECT_EQ(root.find("a")->position, (Position{1, 4}));
  EXPECT_EQ(root.find("\u00e4\u00e4")->style, ScalarStyle::kQuoted);
  EXPECT_EQ(root.find("\u00e4\u00e4")->position, (Position{2, 5}));
  EXPECT_EQ(root.find("list")->items()[0]->position, (Position{4, 5}));
  EXPECT_EQ(root.find("list")->items()[1]->style, ScalarStyle::kBlock);
  EXPECT_EQ(root.find("list")->items()[1]->scalar(), "block\n");
}

TEST(YamlDocument, FindsPlacesInsideOfText) {
  const Parsed parsed =
      parse("plain: abc\nquoted: \"\u00e4bc\"\nescaped: \"\\tbc\"\nblock: |\n\n    ab\n      cd\n");
  const YamlNode& root = parsed.root();
  EXPECT_EQ(root.find("plain")->position_at(2), (Position{1, 10}));
  EXPECT_EQ(root.find("quoted")->position_at(2), (Position{2, 11}));
  EXPECT_EQ(root.find("escaped")->position_at(2), (Position{3, 10}));
  const YamlNode& block = *root.find("block");
  EXPECT_EQ(block.position_at(block.scalar().find('b')), (Position{6, 6}));
  EXPECT_EQ(block.position_at(block.scalar().find('d')), (Position{7, 8}));
}

TEST(YamlDocument, TakesJsonAndAByteOrderMark) {
  const Parsed parsed = parse("\xEF\xBB\xBF{\"a\": [1, \"b\"], \"c\": null}");
  ASSERT_EQ(parsed.messages, "");
  EXPECT_EQ(parsed.root().position, (Position{1, 1}));
  EXPECT_EQ(parsed.root().find("a")->items().size(), 2U);
  EXPECT_TRUE(parsed.root().find("c")->is_null());
}

TEST(YamlDocument, TellsNothingFromTextThatLooksLikeIt) {
  const Parsed parsed = parse("[~, null, '', 'null', , ]");
  EXPECT_THAT(parsed.messages, HasSubstr("not valid YAML"));
  const Parsed values = parse("a: ~\nb: null\nc:\nd: ''\ne: 'null'\n");
  for (const char* key : {"a", "b", "c"}) EXPECT_TRUE(values.root().find(key)->is_null()) << key;
  for (const char* key : {"d", "e"}) EXPECT_FALSE(values.root().find(key)->is_null()) << key;
}

TEST(YamlDocument, ReportsDuplicateKeysAndKeepsTheFirst) {
  const Parsed parsed = parse("a: 1\nb: {c: 1, c: 2, c: 3}\na: 2\n");
  EXPECT_EQ(parsed.messages,
            "f:2:11: the key `c` is already in line 2; remove one of them, or give one another "
            "name\n"
            "f:2:17: the key `c` is already in line 2; remove one of them, or give one another "
            "name\n"
            "f:3:1: the key `a` is already in line 1; remove one of them, or give one another "
            "name\n");
  EXPECT_EQ(parsed.root().find("a")->scalar(), "1");
  EXPECT_TRUE(parsed.root().entries()[2].duplicate);
}

TEST(YamlDocument, SharesAliases) {
  const Parsed parsed = parse("a: &x {k: v}\nb: *x\n");
  ASSERT_EQ(parsed.messages, "");
  EXPECT_EQ(parsed.root().find("a"), parsed.root().find("b"));
}

TEST(YamlDocument, RefusesBadAliases) {
  EXPECT_EQ(parse("a: &base 1\nb: *bsae\n").messages,
            "f:2:4: there is no anchor `&bsae` before this alias; did you mean `base`?\n");
  EXPECT_EQ(parse("a: &x [1, *x]\n").messages, "f:1:11: the alias `*x` contains itself\n");
}

TEST(YamlDocument, SurvivesABillionLaughs) {
  std::string text = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n";
  for (int i = 1; i < 40; ++i) {
    const std::string alias = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + alias;
    for (int j = 0; j < 9; ++j) text += ", " + alias;
    text += "]\n";
  }
  const Parsed parsed = parse(text);
  EXPECT_FALSE(parsed.document);
  EXPECT_THAT(parsed.messages, HasSubstr("the aliases of this file expand to more than 4 MiB"));
}

TEST(YamlDocument, RefusesWhatThePipelineFileDoesNotNeed) {
  EXPECT_THAT(parse("a: 1\n---\nb: 2\n").messages, StartsWith("f:2:1: a second YAML document"));
  EXPECT_THAT(parse("a: &x {b: 1}\nc:\n  <<: *x\n").messages,
              StartsWith("f:3:3: merge keys (`<<`) are not supported"));
  EXPECT_THAT(parse("a: !!python/object x\n").messages, StartsWith("f:1:4: found the tag"));
  EXPECT_THAT(parse("a: \"b\\0c\"\n").messages, HasSubstr("NUL"));
  EXPECT_THAT(parse("? [a]\n: 1\n").messages,
              StartsWith("f:1:3: a key must be a text, found a list"));
  EXPECT_THAT(parse("").messages, StartsWith("f:1:1: the file is empty"));
  EXPECT_THAT(parse("# only a comment\n").messages, StartsWith("f:1:1: the file is empty"));
}

TEST(YamlDocument, ExplainsSyntaxErrors) {
  EXPECT_EQ(parse("a:\n\tb: 1\n").messages,
            "f:2:1: found a tab where YAML allows only spaces; indent with spaces\n");
  EXPECT_THAT(parse("a: b: c\n").messages, StartsWith("f:1:5: this is not valid YAML: mapping"));
  EXPECT_THAT(parse("a: \"open\nb: 1\n").messages, HasSubstr("is a closing quote missing?"));
  EXPECT_THAT(parse("a: [1, 2\nb: 3\n").messages, HasSubstr("bracket missing?"));
  EXPECT_THAT(parse("a: @x\n").messages, HasSubstr("put the text into quotes"));
  EXPECT_THAT(parse("a:\n   b: 1\n  c: 2\n").messages, StartsWith("f:3:3: "));
  EXPECT_THAT(parse("a: 1\nb: \xff\n").messages, StartsWith("f:2:4: the byte 0xFF is not UTF-8"));
}

TEST(YamlDocument, HasLimits) {
  const std::string deep = std::string(200, '[') + std::string(200, ']');
  EXPECT_THAT(parse(deep).messages, StartsWith("f:1:101: values are nested deeper than 100"));
  EXPECT_THAT(parse(std::string(100, '[') + std::string(100, ']')).messages, "");
  EXPECT_THAT(parse("[a, b, c]", {.nodes = 3}).messages, HasSubstr("more than 3 values"));
  EXPECT_THAT(parse("aaaa", {.bytes = 3}).messages, HasSubstr("the limit is 3"));
  // Much nesting must not take time that grows with its square either.
  for (const char* unit : {"[", "{", "- ", "? ", "[[],", "a: [", "&a ", "!a "}) {
    std::string text;
    while (text.size() < 1'000'000) text += unit;
    EXPECT_FALSE(parse(text).document) << unit;
  }
}

}  // namespace
}  // namespace stagebox::scheduler
