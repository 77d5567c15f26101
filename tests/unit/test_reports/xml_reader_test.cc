#include "runtime/test_reports/xml_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "runtime/test_reports/xml_repair.h"

namespace stagebox::test_reports {
namespace {

using ::testing::HasSubstr;

class Log final : public XmlHandler {
 public:
  base::Result<void> on_start(std::string_view name, const XmlAttributes& attributes) override {
    text += "<" + std::string(name) + "|" + std::string(attributes.text("a")) + ">";
    return {};
  }
  void on_text(std::string_view more) override { text += more; }
  base::Result<void> on_end(std::string_view name) override {
    text += "</" + std::string(name) + ">";
    return {};
  }
  std::string text;
};

std::string read(std::string_view document) {
  Log log;
  const auto done = read_xml(document, log);
  return done.ok() ? log.text : "error: " + done.error().message;
}

TEST(XmlReader, NamesLoseTheirPrefix) {
  EXPECT_EQ(read("<n:x xmlns:n='u' n:a='1'>t<![CDATA[<&>]]>&lt;</n:x>"), "<x|1>t<&><</x>");
}

TEST(XmlReader, NothingIsDeclaredAndNothingIsFetched) {
  EXPECT_THAT(read("<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>"),
              HasSubstr("error: line 1: a DOCTYPE with declarations"));
  EXPECT_THAT(read("<!DOCTYPE x [<!ENTITY a 'lol'><!ENTITY b '&a;&a;'>]><x>&b;</x>"),
              HasSubstr("a DOCTYPE with declarations"));
  EXPECT_THAT(
      read("<!DOCTYPE x SYSTEM 'http://127.0.0.1/x.dtd' [<!ENTITY % p SYSTEM 'x'> %p;]><x/>"),
      HasSubstr("a DOCTYPE with declarations"));
  EXPECT_THAT(read("<x>&unknown;</x>"), HasSubstr("error: line 1: "));
  EXPECT_THAT(read("<!DOCTYPE x SYSTEM 'http://127.0.0.1/x.dtd'><x>&unknown;</x>"),
              HasSubstr("error: line 1: "));
  // As Cobertura writes it: named, never looked for.
  EXPECT_EQ(read("<!DOCTYPE x SYSTEM 'file:///etc/passwd'><x a='1'/>"), "<x|1></x>");
}

TEST(XmlReader, DepthHasALimit) {
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += "<x>";
  EXPECT_THAT(read(deep), HasSubstr("nested deeper than 64"));
}

TEST(XmlReader, RepairsWhatRunnersWrite) {
  EXPECT_EQ(read("\xef\xbb\xbf<x>a\x01\xff\x1b[1mb&#1;&#x1F;&#xD800;&#65;</x>"),
            "<x|>a\xef\xbf\xbd\xef\xbf\xbd"
            "b\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
            "A</x>");
  EXPECT_EQ(read(std::string_view("<x>a\0b</x>", 10)),
            "<x|>a\xef\xbf\xbd"
            "b</x>");
  EXPECT_EQ(read("<?xml version='1.0' encoding='ISO-8859-1'?><x>\xe4</x>"), "<x|>\xc3\xa4</x>");
  EXPECT_EQ(read("<?xml version='1.0' encoding='windows-1252'?><x>\x93x\x94 \x80\xe9</x>"),
            "<x|>\xe2\x80\x9cx\xe2\x80\x9d \xe2\x82\xac\xc3\xa9</x>");
  // The declaration is wrong, the document is UTF-8.
  EXPECT_EQ(read("<?xml version='1.0' encoding='us-ascii'?><x>\xc3\xa4</x>"), "<x|>\xc3\xa4</x>");
}

TEST(XmlReader, Utf16IsRefused) {
  EXPECT_THAT(read(std::string_view("\xff\xfe<\0x\0/\0>\0", 10)), HasSubstr("UTF-16"));
}

TEST(XmlRepair, LeavesReferencesThatAreNone) {
  EXPECT_EQ(repaired_xml("&#;&#x;&#zz;&#10;&#13;&#").value(), "&#;&#x;&#zz;&#10;&#13;&#");
  EXPECT_EQ(repaired_xml("&#99999999999999999999;").value(), "\xef\xbf\xbd");
}

}  // namespace
}  // namespace stagebox::test_reports
