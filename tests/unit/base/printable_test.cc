#include "runtime/base/printable.h"

#include <gtest/gtest.h>

#include "runtime/base/dir_reader.h"
#include "runtime/base/files.h"
#include "runtime/base/random_id.h"
#include "tests/support/temp_dir.h"

namespace stagebox::base {
namespace {

TEST(Printable, TellsUtf8FromTheRest) {
  for (const char* good : {"", "abc", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80",
                           "\xF4\x8F\xBF\xBF", "\xED\x9F\xBF"}) {
    EXPECT_TRUE(is_utf8(good)) << good;
  }
  for (const char* bad : {"\x80", "\xC3", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xE0\x9F\xBF",
                          "\xED\xA0\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80",
                          "\xF8\x88\x80\x80", "\xE2\x82", "\xE2(\xA1", "a\xFF"}) {
    EXPECT_FALSE(is_utf8(bad)) << printable(bad);
  }
}

TEST(Printable, NothingReachesTheTerminal) {
  EXPECT_EQ(printable("plain \xC3\xA9"), "\"plain \xC3\xA9\"");
  EXPECT_EQ(printable("\x1B[2J\n\x7F"), "\"\\x1b[2J\\x0a\\x7f\"");
  EXPECT_EQ(printable("\xC2\x9B"
                      "31m"),
            "\"\\xc2\\x9b31m\"")
      << "a control of the upper half";
  EXPECT_EQ(printable("a\"b\\c"), "\"a\\x22b\\x5cc\"");
  EXPECT_EQ(printable("\xFFx"), "\"\\xffx\"");
}

TEST(RandomHex, IsRandomHex) {
  const auto a = random_hex(12);
  const auto b = random_hex(12);
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_EQ(a->size(), 12U);
  EXPECT_EQ(a->find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_NE(*a, *b);
  EXPECT_FALSE(random_hex(65).ok());
}

TEST(DirReader, StopsAtTheLimit) {
  const stagebox::testing::TempDir dir;
  for (const char* name : {"c", "a", "b"}) {
    ASSERT_TRUE(replace_file_at(dir.fd(), name, "", 0600).ok());
  }
  EXPECT_EQ(list_dir_up_to(dir.fd(), 3).value(), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(list_dir_up_to(dir.fd(), 2)->size(), 2U);
  EXPECT_TRUE(list_dir_up_to(dir.fd(), 0)->empty());
}

}  // namespace
}  // namespace stagebox::base
