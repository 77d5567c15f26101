#include "runtime/base/path_patterns.h"

#include <gtest/gtest.h>

namespace stagebox::base {
namespace {

bool matches(const std::string& pattern, std::string_view path,
             EntryType type = EntryType::kOther) {
  const auto parsed = PathPatterns::parse({pattern});
  EXPECT_TRUE(parsed.ok()) << pattern;
  return parsed.ok() && parsed->matches(path, type);
}

std::string refusal(const std::string& pattern) {
  const auto parsed = PathPatterns::parse({pattern});
  return parsed.ok() ? "accepted" : parsed.error().message;
}

TEST(PathPatterns, ANameMatchesAtAnyLevel) {
  EXPECT_TRUE(matches(".git", ".git"));
  EXPECT_TRUE(matches(".git", "a/b/.git"));
  EXPECT_FALSE(matches(".git", ".gitignore"));
  EXPECT_FALSE(matches(".git", ".git/config")) << "only the entry itself";
  EXPECT_TRUE(matches("build-*", "x/build-debug"));
  EXPECT_FALSE(matches("build-*", "build"));
  EXPECT_TRUE(matches("*.o", "a/b/c.o"));
}

TEST(PathPatterns, ASlashAnchorsToTheRoot) {
  EXPECT_TRUE(matches("a/b", "a/b"));
  EXPECT_FALSE(matches("a/b", "x/a/b"));
  EXPECT_TRUE(matches("/build", "build"));
  EXPECT_FALSE(matches("/build", "x/build"));
  EXPECT_FALSE(matches("a/*", "a/b/c")) << "a star does not cross a slash";
  EXPECT_FALSE(matches("a?b", "a/b"));
  EXPECT_FALSE(matches("a*b", "a/b"));
}

TEST(PathPatterns, DoubleStarSpansComponents) {
  EXPECT_TRUE(matches("**/x", "x"));
  EXPECT_TRUE(matches("**/x", "a/b/x"));
  EXPECT_TRUE(matches("a/**/x", "a/x"));
  EXPECT_TRUE(matches("a/**/x", "a/b/c/x"));
  EXPECT_FALSE(matches("a/**/x", "b/x"));
  EXPECT_TRUE(matches("a/**", "a/b/c"));
  EXPECT_FALSE(matches("a/**", "a")) << "what is in it, not itself";
  EXPECT_FALSE(matches("**/a/**", "x/a"));
  EXPECT_TRUE(matches("**/a/**", "a/x"));
  EXPECT_TRUE(matches("**", "anything/at/all"));
  EXPECT_TRUE(matches("**/b/**/d", "a/b/c/b/x/d"));
  EXPECT_FALSE(matches("**/b/**/d", "a/b/c/b/x/e"));
}

TEST(PathPatterns, MoreThanTwoStarsAreTwo) {
  EXPECT_TRUE(matches("a/***/x", "a/x"));
  EXPECT_TRUE(matches("a/****/x", "a/b/c/x"));
  EXPECT_TRUE(matches("a/***", "a/b/c"));
  EXPECT_FALSE(matches("a/***", "a"));
  EXPECT_FALSE(matches("a***/x", "a/b/x")) << "no whole component";
}

TEST(PathPatterns, ASlashBehindABackslashIsASlash) {
  EXPECT_TRUE(matches("a\\/b", "a/b"));
  EXPECT_FALSE(matches("a\\/b", "x/a/b"));
  EXPECT_FALSE(matches("a\\\\/b", "a/b")) << "the backslash stands for itself";
  EXPECT_TRUE(matches("a\\\\/b", "a\\/b"));
  EXPECT_TRUE(matches("a/**\\/b", "a/x/y/b"));
  EXPECT_FALSE(matches("a/**\\/b", "a/b")) << "at least one component";
}

TEST(PathPatterns, ASlashInAClassParsesButNeverMatches) {
  EXPECT_TRUE(matches("a[b/c]", "ab"));
  EXPECT_TRUE(matches("a[b/c]d/e", "acd/e"));
  EXPECT_FALSE(matches("a[b/c]", "x/ab")) << "it anchors all the same";
  EXPECT_FALSE(matches("a[b/c]d", "a/d"));
  EXPECT_FALSE(matches("a[+-9]d", "a/d"));
}

TEST(PathPatterns, ATrailingSlashMeansDirectories) {
  EXPECT_TRUE(matches("out/", "x/out", EntryType::kDirectory));
  EXPECT_FALSE(matches("out/", "x/out", EntryType::kOther));
  EXPECT_TRUE(matches("a/out/", "a/out", EntryType::kDirectory));
}

TEST(PathPatterns, QuestionMarkIsOneCharacterNotOneByte) {
  EXPECT_TRUE(matches("?", "x"));
  EXPECT_TRUE(matches("?", "\xC3\xA9"));
  EXPECT_FALSE(matches("?", "xy"));
  EXPECT_FALSE(matches("?", "\xC3\xA9\xC3\xA9"));
}

TEST(PathPatterns, ABackslashTakesTheMeaningAway) {
  EXPECT_TRUE(matches("\\*", "*"));
  EXPECT_FALSE(matches("\\*", "x"));
  EXPECT_TRUE(matches("a\\[1\\]", "a[1]"));
  EXPECT_TRUE(matches("\\!x", "!x"));
  EXPECT_TRUE(matches("\\\\", "\\"));
}

TEST(PathPatterns, ClassesAreOfCharacters) {
  EXPECT_TRUE(matches("c[0-9]", "c7"));
  EXPECT_FALSE(matches("c[0-9]", "cx"));
  EXPECT_FALSE(matches("c[0-9]", "c"));
  EXPECT_TRUE(matches("[!0-9]", "x"));
  EXPECT_FALSE(matches("[^0-9]", "5"));
  EXPECT_TRUE(matches("[]a]", "]")) << "first, it stands for itself";
  EXPECT_TRUE(matches("[!]a]", "b"));
  EXPECT_TRUE(matches("[a-]", "-"));
  EXPECT_TRUE(matches("[\\]]", "]"));
  EXPECT_TRUE(matches("[[:upper:][:digit:]_]", "Q"));
  EXPECT_TRUE(matches("[[:upper:][:digit:]_]", "_"));
  EXPECT_FALSE(matches("[[:upper:]]", "q"));
  EXPECT_TRUE(matches("[\xC3\xA4-\xC3\xBC]", "\xC3\xB6")) << "not of bytes";
}

TEST(PathPatterns, ARangeThatGoesDownIsItsFirstCharacter) {
  EXPECT_TRUE(matches("[c-a]", "c"));
  EXPECT_FALSE(matches("[c-a]", "b"));
  EXPECT_FALSE(matches("[c-a]", "a"));
  EXPECT_FALSE(matches("[!c-a]", "c"));
}

TEST(PathPatterns, ABracketAndAColonThatNameNoClassAreThemselves) {
  for (const char* name : {"[", ":", "a"}) EXPECT_TRUE(matches("[[:a]", name)) << name;
  EXPECT_FALSE(matches("[[:a]", "b"));
  EXPECT_TRUE(matches("[[:]", ":"));
  EXPECT_TRUE(matches("[[:a]b:]", "ab:]")) << "the first bracket ends it";
}

TEST(PathPatterns, WhiteSpaceIsThatOfGit) {
  for (const char* name : {" ", "\t", "\n", "\r"}) EXPECT_TRUE(matches("[[:space:]]", name));
  for (const char* name : {"\v", "\f"}) EXPECT_FALSE(matches("[[:space:]]", name));
}

TEST(PathPatterns, TheLastPatternThatMatchesDecides) {
  const auto parsed = PathPatterns::parse({"*.o", "!keep.o", "/sub/keep.o", "!d/"});
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->match("a.o", EntryType::kOther), PatternMatch::kMatches);
  EXPECT_EQ(parsed->match("keep.o", EntryType::kOther), PatternMatch::kExcepted);
  EXPECT_EQ(parsed->match("sub/keep.o", EntryType::kOther), PatternMatch::kMatches);
  EXPECT_EQ(parsed->match("a.c", EntryType::kOther), PatternMatch::kNone);
  EXPECT_EQ(parsed->match("d", EntryType::kDirectory), PatternMatch::kExcepted);
  EXPECT_EQ(parsed->match("d", EntryType::kOther), PatternMatch::kNone);
  EXPECT_FALSE(parsed->matches("keep.o", EntryType::kOther));
}

TEST(PathPatterns, IgnoreFilesHaveRemarksSpacesAndLinesThatAreNoPatterns) {
  const PathPatterns parsed = PathPatterns::parse_ignore_file(
      "\xEF\xBB\xBF*.o\r\n# remark\n\n  \n\\#hash\nspace\\ \nspaces  \n[bad\n!x.o\n../up\nlast");
  for (const char* name : {"a.o", "#hash", "space ", "spaces", "last"})
    EXPECT_TRUE(parsed.matches(name, EntryType::kOther)) << name;
  for (const char* name : {"x.o", "# remark", "[bad", "up", "space"})
    EXPECT_FALSE(parsed.matches(name, EntryType::kOther)) << name;
  EXPECT_TRUE(PathPatterns::parse_ignore_file("").empty());
}

TEST(PathPatterns, OnlyABackslashThatIsNotOneItselfKeepsASpaceAtTheEnd) {
  const PathPatterns parsed =
      PathPatterns::parse_ignore_file("even\\\\ \nodd\\\\\\  \none\\  \r\n");
  for (const char* name : {"even\\", "odd\\ ", "one "})
    EXPECT_TRUE(parsed.matches(name, EntryType::kOther)) << name;
  for (const char* name : {"even\\ ", "odd\\", "one", "one  "})
    EXPECT_FALSE(parsed.matches(name, EntryType::kOther)) << name;
}

TEST(PathPatterns, ANulEndsALineOfAnIgnoreFile) {
  using std::string_view_literals::operator""sv;
  const PathPatterns parsed = PathPatterns::parse_ignore_file("a \0b\n\0c\nd\n"sv);
  EXPECT_TRUE(parsed.matches("a", EntryType::kOther));
  EXPECT_TRUE(parsed.matches("d", EntryType::kOther));
  EXPECT_FALSE(parsed.matches("c", EntryType::kOther));
}

TEST(PathPatterns, ADoubledSlashInAnIgnoreFileMatchesNothing) {
  EXPECT_TRUE(PathPatterns::parse_ignore_file("//a\nb//\nc//d\n").empty());
}

TEST(PathPatterns, MistakesAreRefusedByName) {
  for (const char* pattern : {"[ab", "[", "[]", "[!]", "\\\\[", "[[:nothing:]]", "a[b/c"})
    EXPECT_NE(refusal(pattern).find("begins no class"), std::string::npos) << pattern;
  EXPECT_NE(refusal("x\\").find("backslash"), std::string::npos);
  EXPECT_NE(refusal(std::string("a\0b", 3)).find("NUL"), std::string::npos);
  for (const char* pattern :
       {"", "!", "!/", "/", "//", "../x", "a/../b", "./a", "a//b", "//a", "a//"}) {
    EXPECT_NE(refusal(pattern), "accepted") << pattern;
  }
}

TEST(PathPatterns, HostilePatternsAreNotExponential) {
  std::string pattern;
  for (int i = 0; i < 60; ++i) pattern += "*a";
  EXPECT_FALSE(matches(pattern, std::string(250, 'a') + "b"));
  std::string deep = "**";
  for (int i = 0; i < 60; ++i) deep += "/a/**";
  std::string path = "a";
  for (int i = 0; i < 900; ++i) path += "/a";
  EXPECT_TRUE(matches(deep, path));
  EXPECT_FALSE(matches(deep + "/z", path));
  std::string open = "[";
  for (int i = 0; i < 300'000; ++i) open += "[:";
  EXPECT_TRUE(matches(open + "x]", ":")) << "its bracket is looked for once";
}

TEST(PathPatterns, NoneMatchesNothing) {
  EXPECT_FALSE(PathPatterns().matches("a", EntryType::kDirectory));
  EXPECT_TRUE(PathPatterns().empty());
}

}  // namespace
}  // namespace stagebox::base
