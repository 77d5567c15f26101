#include "images/tar/tar_index.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "images/tar/tar_header.h"
#include "runtime/base/files.h"
#include "tests/support/oci_builder.h"
#include "tests/support/temp_dir.h"

namespace stagebox::images {
namespace {

using testing::TarBuilder;

class TarIndexTest : public ::testing::Test {
 protected:
  base::Result<TarIndex> index(const std::string& content, const Limits& limits = {}) {
    testing::write_file(dir_.path("a.tar"), content);
    auto fd = base::open_path(dir_.path("a.tar"), O_RDONLY);
    return TarIndex::read(
        {std::make_shared<const base::UniqueFd>(std::move(*fd)), 0, content.size()}, limits);
  }
  static std::string text(const TarIndex& index, const std::string& name) {
    const auto range = index.find(name);
    if (!range.ok()) return "ERROR " + range.error().message;
    if (!*range) return "MISSING";
    return *read_whole_range(**range, 1UL << 20U);
  }
  std::string refusal(const std::string& content, const Limits& limits = {}) {
    const auto result = index(content, limits);
    return result.ok() ? "accepted" : result.error().message;
  }

  testing::TempDir dir_;
};

TEST_F(TarIndexTest, FindsMembers) {
  TarBuilder tar;
  tar.file("./index.json", "{}").dir("blobs").file("blobs/x", std::string(600, 'x'));
  tar.file(std::string(150, 'n'), "long").file("last", "");
  const auto found = index(tar.finish());
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_EQ(text(*found, "index.json"), "{}");
  EXPECT_EQ(text(*found, "blobs/x"), std::string(600, 'x'));
  EXPECT_EQ(text(*found, std::string(150, 'n')), "long");
  EXPECT_EQ(text(*found, "last"), "");
  EXPECT_EQ(text(*found, "blobs"), "MISSING");
  EXPECT_TRUE(found->has_end_marker());
}

TEST_F(TarIndexTest, GnuLongNames) {
  TarBuilder tar;
  const std::string name(180, 'g');
  testing::TarFields longname;
  longname.name = "././@LongLink";
  longname.type = 'L';
  tar.add(longname, name + '\0').file("short", "content");
  const auto found = index(tar.finish());
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_EQ(text(*found, name), "content");
}

TEST_F(TarIndexTest, LinksStayInside) {
  TarBuilder tar;
  tar.file("abc.tar", "layer").symlink("id/layer.tar", "../abc.tar").hardlink("h", "abc.tar");
  tar.symlink("out", "../../etc/passwd").symlink("a", "b").symlink("b", "a");
  const auto found = index(tar.finish());
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_EQ(text(*found, "id/layer.tar"), "layer");
  EXPECT_EQ(text(*found, "h"), "layer");
  EXPECT_THAT(text(*found, "out"), ::testing::HasSubstr("leads out"));
  EXPECT_THAT(text(*found, "a"), ::testing::HasSubstr("circle"));
  EXPECT_THAT(text(*found, "../x"), ::testing::HasSubstr("leads out"));
}

TEST_F(TarIndexTest, PaxSizeWins) {
  TarBuilder tar;
  testing::TarFields fields;
  fields.name = "x";
  fields.size = 0;
  fields.pax = {{"size", "5"}};
  tar.add(fields, "hello").file("y", "y");
  const auto found = index(tar.finish());
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_EQ(text(*found, "x"), "hello");
  EXPECT_EQ(text(*found, "y"), "y");
}

TEST_F(TarIndexTest, TruncationWithinAMemberIsTold) {
  TarBuilder tar;
  tar.file("a", std::string(2000, 'a')).file("b", std::string(2000, 'b'));
  const std::string whole = tar.without_end();
  for (std::size_t length = 1; length < whole.size(); length += 97) {
    const auto found = index(whole.substr(0, length));
    // At a border, or within the padding of a member, nothing is missing but the end.
    EXPECT_TRUE(!found.ok() || !found->has_end_marker()) << length;
  }
  EXPECT_THAT(refusal(whole.substr(0, 700)), ::testing::HasSubstr("truncated"));
}

TEST_F(TarIndexTest, RefusesWhatIsNoArchive) {
  EXPECT_THAT(refusal(""), ::testing::HasSubstr("empty"));
  EXPECT_THAT(refusal("hello"), ::testing::HasSubstr("not a tar archive"));
  EXPECT_THAT(refusal(std::string(5000, 'x')), ::testing::HasSubstr("not a tar archive"));
  EXPECT_THAT(refusal(std::string(5000, '\0')), ::testing::HasSubstr("empty"));
  EXPECT_THAT(refusal(testing::gzip(std::string(5000, 'x'))),
              ::testing::HasSubstr("not a tar archive"));
}

TEST_F(TarIndexTest, RefusesDamage) {
  TarBuilder tar;
  tar.file("a", "a").file("b", "b");
  std::string bytes = tar.finish();
  bytes[1024 + 3] = 'X';
  EXPECT_THAT(refusal(bytes), ::testing::HasSubstr("damaged at byte 1024"));
  EXPECT_THAT(refusal(TarBuilder().file("index.json", "1").file("./index.json", "2").finish()),
              ::testing::HasSubstr("two members"));
  EXPECT_THAT(refusal(TarBuilder().file("../x", "1").finish()), ::testing::HasSubstr("outside"));
}

TEST_F(TarIndexTest, RefusesImpossibleSizes) {
  testing::TarFields fields;
  fields.name = "x";
  fields.size = 1ULL << 61U;
  EXPECT_THAT(refusal(TarBuilder().add(fields).finish()), ::testing::HasSubstr("truncated"));
  fields.size = ~0ULL;  // -1 in base-256
  EXPECT_THAT(refusal(TarBuilder().file("a", "").add(fields).finish()),
              ::testing::HasSubstr("impossible"));
  fields.size.reset();
  for (const char* size : {"-1", "18446744073709551616", "5x", ""}) {
    fields.pax = {{"size", size}};
    EXPECT_THAT(refusal(TarBuilder().add(fields).finish()), ::testing::HasSubstr("impossible"));
  }
}

TEST_F(TarIndexTest, LimitsMembers) {
  Limits limits;
  limits.archive_members = 3;
  TarBuilder tar;
  tar.file("a", "").file("b", "").file("c", "");
  EXPECT_EQ(refusal(tar.finish(), limits), "accepted");
  EXPECT_THAT(refusal(tar.file("d", "").finish(), limits), ::testing::HasSubstr("more than 3"));
}

TEST(PaxRecords, AreCheckedExactly) {
  EXPECT_EQ(parse_pax_records("9 path=x\n13 size=1234\n")->at("size"), "1234");
  for (const char* text : {"8 path=x\n", "11 path=x\n", "9 path=x", "x", "0 \n", "5 a=b",
                           "99999999999999999999 a=b\n", "7 abcd\n", "-1 a=b\n"}) {
    EXPECT_FALSE(parse_pax_records(text).ok()) << text;
  }
}

}  // namespace
}  // namespace stagebox::images
