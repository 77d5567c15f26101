#include "images/tar/entry_name.h"

#include <gtest/gtest.h>

namespace stagebox::images {
namespace {

using Kind = EntryName::Kind;

EntryName parsed(std::string_view text) {
  const auto name = parse_entry_name(text, Limits{});
  EXPECT_TRUE(name.ok()) << text << ": " << (name.ok() ? "" : name.error().message);
  return name.ok() ? *name : EntryName{};
}

bool is_refused(std::string_view text) {
  const auto name = parse_entry_name(text, Limits{});
  return !name.ok() && name.error().kind == base::ErrorKind::kInvalid;
}

TEST(EntryName, Normalises) {
  EXPECT_EQ(parsed("./usr//bin/./x").path.str(), "usr/bin/x");
  EXPECT_EQ(parsed("/etc/passwd").path.str(), "etc/passwd");
  EXPECT_EQ(parsed("///").path.str(), "");
  EXPECT_EQ(parsed("./").path.str(), "");
  EXPECT_EQ(parsed("a\xff\xfe").path.str(), "a\xff\xfe");
}

TEST(EntryName, Whiteouts) {
  EXPECT_EQ(parsed("a/.wh.b").kind, Kind::kWhiteout);
  EXPECT_EQ(parsed("a/.wh.b").path.str(), "a/b");
  EXPECT_EQ(parsed(".wh.b").path.str(), "b");
  EXPECT_EQ(parsed("a/.wh..wh..opq").kind, Kind::kOpaque);
  EXPECT_EQ(parsed("a/.wh..wh..opq").path.str(), "a");
  EXPECT_EQ(parsed(".wh..wh..opq").path.str(), "");
  EXPECT_EQ(parsed(".wh.....").path.str(), "....");
  EXPECT_EQ(parsed(".wh..wh.plnk/1.2").kind, Kind::kIgnored);
  EXPECT_EQ(parsed("a/.wh..wh.aufs").kind, Kind::kIgnored);
  EXPECT_EQ(parsed("a.wh.b").kind, Kind::kPlain);
}

TEST(EntryName, RefusesWhatLeadsOut) {
  for (const char* text : {"..", "../x", "a/../../x", "a/..", "/../x", "./.."}) {
    EXPECT_TRUE(is_refused(text)) << text;
  }
}

TEST(EntryName, RefusesAmbiguousWhiteouts) {
  for (const char* text :
       {".wh.", "a/.wh.", ".wh..", ".wh...", "a/.wh...", ".wh.../x", "a/.wh.b/c", ".wh../etc"}) {
    EXPECT_TRUE(is_refused(text)) << text;
  }
}

TEST(EntryName, RefusesWhatIsTooLong) {
  EXPECT_TRUE(is_refused(""));
  EXPECT_TRUE(is_refused(std::string(256, 'a')));
  EXPECT_FALSE(is_refused(std::string(255, 'a')));
  std::string deep;
  for (int i = 0; i < 300; ++i) deep += "d/";
  EXPECT_TRUE(is_refused(deep));
  EXPECT_TRUE(is_refused(std::string(5000, '/') + std::string(10, 'b') + std::string(5000, '/')));
}

TEST(EntryName, LinkTargets) {
  EXPECT_EQ(parse_link_target("/usr/bin/x", Limits{})->str(), "usr/bin/x");
  EXPECT_FALSE(parse_link_target("../etc/passwd", Limits{}).ok());
  EXPECT_EQ(parse_link_target("a/.wh.b", Limits{})->str(), "a/.wh.b");
}

}  // namespace
}  // namespace stagebox::images
