// Layers made to get out of the image, to exhaust the machine, or to leave something behind. A
// canary tree stands for the host: whatever an import does, it must not change.
#include <sys/xattr.h>

#include <map>

#include "tests/unit/images/image_fixture.h"

namespace stagebox::images {
namespace {

using ::testing::HasSubstr;

class HostileLayer : public ImageFixture {
 protected:
  void SetUp() override {
    testing::write_file(host_.path("canary"), "alive");
    std::filesystem::create_directory(host_.path("dir"));
    testing::write_file(host_.path("dir/inner"), "alive");
    before_ = describe_tree(host_.path());
  }
  void TearDown() override { EXPECT_EQ(describe_tree(host_.path()), before_); }

  TempDir host_;
  std::string before_;
};

TEST_F(HostileLayer, NamesThatLeadOut) {
  for (const std::string name : {"../evil", "a/../../evil", "..", "x/..", "./../evil"}) {
    expect_layer_refused(TarBuilder().file(name, "evil"), "leads out of the image");
    expect_layer_refused(TarBuilder().dir(name), "leads out of the image");
    expect_layer_refused(TarBuilder().symlink(name, "x"), "leads out of the image");
    expect_layer_refused(TarBuilder().file("x", "").hardlink("y", name), "leads out of the image");
  }
}

TEST_F(HostileLayer, AbsoluteNamesStayInside) {
  const std::string target = host_.path("canary");
  const auto image = import(OciImage().gzipped(TarBuilder().file(target, "evil").finish()));
  ASSERT_TRUE(image.ok()) << image.error().message;
  EXPECT_EQ(content_of(layer(*image, 0) + target), "evil");
}

TEST_F(HostileLayer, LinksAsParents) {
  TarBuilder tar;
  tar.symlink("out", host_.path()).file("out/canary", "evil").file("out/new", "evil");
  tar.symlink("up", std::string(60, '.').replace(0, 60, "../../../../../../../../../../../../.."));
  tar.file("up" + host_.path("canary"), "evil").whiteout("out", "canary").opaque("out/dir");
  tar.hardlink("out/h", "out/canary").dir("out/dir", 0777);
  const auto image = import(OciImage().gzipped(tar.finish()));
  ASSERT_TRUE(image.ok()) << image.error().message;
  EXPECT_EQ(content_of(layer(*image, 0) + host_.path("new")), "evil");
}

TEST_F(HostileLayer, LinksAsLastComponent) {
  TarBuilder tar;
  tar.symlink("f", host_.path("canary")).file("f", "evil", 0777);
  tar.symlink("d", host_.path("dir")).dir("d", 0777).file("d/inner", "evil");
  tar.symlink("h", host_.path("canary")).hardlink("h2", "h");
  const auto image = import(OciImage().gzipped(tar.finish()));
  ASSERT_TRUE(image.ok()) << image.error().message;
  EXPECT_EQ(content_of(layer(*image, 0) + "/f"), "evil");
  EXPECT_EQ(std::filesystem::read_symlink(layer(*image, 0) + "/h2"), host_.path("canary"));
}

TEST_F(HostileLayer, LinkAndDirectoryInTurn) {
  TarBuilder tar;
  for (int i = 0; i < 3; ++i) {
    tar.symlink("d", host_.path()).file("d/canary", "evil").dir("d").file("d/canary", "evil");
    tar.symlink("d", host_.path("dir")).dir("d/sub", 0777).whiteout("d", "inner");
  }
  const auto image = import(OciImage().gzipped(tar.finish()));
  ASSERT_TRUE(image.ok()) << image.error().message;
  EXPECT_EQ(std::filesystem::read_symlink(layer(*image, 0) + "/d"), host_.path("dir"));
}

TEST_F(HostileLayer, AttributesOfLinks) {
  testing::TarFields link;
  link.name = "l";
  link.type = '2';
  link.link = host_.path("canary");
  link.mode = 04777;
  link.pax = {{"SCHILY.xattr.user.evil", "1"},
              {"SCHILY.xattr.security.capability", std::string("\1\0\0\2", 4)},
              {"SCHILY.acl.access", "user::rwx,group::rwx,other::rwx"}};
  const auto image = import(OciImage().gzipped(TarBuilder().add(link).finish()));
  ASSERT_TRUE(image.ok()) << image.error().message;
  char value = 0;
  EXPECT_LT(::getxattr(host_.path("canary").c_str(), "user.evil", &value, 1), 0);
  EXPECT_LT(::lgetxattr((layer(*image, 0) + "/l").c_str(), "user.evil", &value, 1), 0);
}

TEST_F(HostileLayer, TwinsOfCaseAndUnicodeAreDifferentFiles) {
  const std::map<std::string, std::string> twins{{"a", "1"},           {"A", "2"},
                                                 {"caf\xc3\xa9", "3"}, {"cafe\xcc\x81", "4"},
                                                 {"a.", "5"},          {"a ", "6"}};
  TarBuilder tar;
  for (const auto& [name, content] : twins) tar.file(name, content);
  const auto image = import(OciImage().gzipped(tar.finish()));
  ASSERT_TRUE(image.ok()) << image.error().message;
  for (const auto& [name, content] : twins) {
    EXPECT_EQ(content_of(layer(*image, 0) + "/" + name), content) << name;
  }
}

// Whose name counts, that of the pax header or that of GNU's: either, but one file, and no header
// is ever taken for content or the other way round.
TEST_F(HostileLayer, PaxHeaderBeforeAGnuLongName) {
  testing::TarFields long_name;
  long_name.name = "././@LongLink";
  long_name.type = 'L';
  testing::TarFields fields;
  fields.name = "short";
  fields.pax = {{"path", "from-pax"}, {"size", "512"}};
  fields.size = 512;
  // The pax header is made to stand before the long name and not before the file.
  std::string with_pax = TarBuilder().add(fields, std::string(512, 'c')).without_end();
  const std::string file = with_pax.substr(with_pax.size() - 1024);
  const std::string pax = with_pax.substr(0, with_pax.size() - 1024);
  const std::string gnu = TarBuilder().add(long_name, "from-gnu").without_end();
  const auto image = import(OciImage().gzipped(pax + gnu + file + std::string(1024, '\0')));
  if (!image.ok()) {
    EXPECT_EQ(image.error().kind, base::ErrorKind::kInvalid) << image.error().message;
    return;
  }
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(layer(*image, 0))) {
    ++files;
    EXPECT_EQ(content_of(entry.path().string()), std::string(512, 'c')) << entry.path();
  }
  EXPECT_EQ(files, 1U);
}

TEST_F(HostileLayer, HardLinksToTheHost) {
  expect_layer_refused(TarBuilder().hardlink("h", host_.path("canary")), "neither this layer");
  expect_layer_refused(TarBuilder().hardlink("h", "../../../../../../../../etc/passwd"),
                       "leads out");
  expect_layer_refused(TarBuilder().symlink("s", host_.path()).hardlink("h", "s/canary"),
                       "neither this layer");
}

TEST_F(HostileLayer, LinksBelowAndHardLinksAbove) {
  OciImage image;
  image.gzipped(
      TarBuilder().symlink("s", host_.path()).symlink("c", host_.path("canary")).finish());
  image.gzipped(TarBuilder().hardlink("h", "s/canary").finish());
  expect_refused(image, "neither this layer");
  image.layers.pop_back();
  image.gzipped(
      TarBuilder().hardlink("h", "c").file("s/canary", "evil").whiteout("s", "dir").finish());
  const auto stored = import(image);
  ASSERT_TRUE(stored.ok()) << stored.error().message;
  EXPECT_TRUE(S_ISLNK(status_of(layer(*stored, 0) + "/h")->st_mode));
}

TEST_F(HostileLayer, RootIsNothingButADirectory) {
  for (const std::string name : {".", "./", "/"}) {
    expect_layer_refused(TarBuilder().symlink(name, host_.path()), "root of the image");
    expect_layer_refused(TarBuilder().file("x", "").hardlink(name, "x"), "root of the image");
  }
}

TEST_F(HostileLayer, Whiteouts) {
  for (const std::string name : {".wh.", ".wh..", ".wh...", "a/.wh...", ".wh.../canary"}) {
    expect_layer_refused(TarBuilder().file(name, ""), "whiteout");
  }
}

TEST_F(HostileLayer, Bombs) {
  const std::string zeros = TarBuilder().file("zeros", std::string(100UL << 20U, '\0')).finish();
  expect_refused(OciImage().zstded(zeros), "decompression bomb");

  ImportOptions options = usual_options();
  options.limits.ratio = 20;  // our compressor is not as good as an attacker's
  auto image = store_.import_archive(archive(OciImage().gzipped(zeros)), options);
  ASSERT_FALSE(image.ok());
  EXPECT_THAT(image.error().message, HasSubstr("decompression bomb"));
  expect_nothing_stored();

  options = usual_options();
  options.limits.expanded_bytes = 1UL << 20U;
  OciImage big;
  big.plain(TarBuilder().file("big", std::string(2UL << 20U, 'x')).finish());
  image = store_.import_archive(archive(big), options);
  ASSERT_FALSE(image.ok());
  EXPECT_THAT(image.error().message, HasSubstr("more than 1048576 bytes"));
  expect_nothing_stored();

  options = usual_options();
  options.limits.entries = 1000;
  TarBuilder many;
  for (int i = 0; i < 1001; ++i) many.file("f" + std::to_string(i), "");
  image = store_.import_archive(archive(OciImage().gzipped(many.finish())), options);
  ASSERT_FALSE(image.ok());
  EXPECT_THAT(image.error().message, HasSubstr("more than 1000 files"));
  expect_nothing_stored();
}

TEST_F(HostileLayer, Depth) {
  std::string deep;
  for (int i = 0; i < 300; ++i) deep += "d/";
  expect_layer_refused(TarBuilder().file(deep + "x", ""), "more than 256 components");
  // The same by links: each entry is short, what they resolve to is not.
  TarBuilder tar;
  std::string half;
  for (int i = 0; i < 200; ++i) half += "d/";
  tar.file(half + "x", "").symlink("l", half);
  tar.file("l/" + half + "x", "");
  expect_layer_refused(tar, "too deep");
}

TEST_F(HostileLayer, SparseMapsDoNotFillTheMemory) {
  testing::TarFields sparse;
  sparse.name = "s";
  sparse.pax = {{"GNU.sparse.major", "1"},
                {"GNU.sparse.minor", "0"},
                {"GNU.sparse.name", "s"},
                {"GNU.sparse.realsize", "1000000000"}};
  std::string map = "100000000\n";
  while (map.size() < 12UL << 20U) map += std::to_string(map.size()) + "\n1\n";
  const auto image = import(OciImage().plain(TarBuilder().add(sparse, map).finish()));
  ASSERT_FALSE(image.ok());
  EXPECT_EQ(image.error().kind, base::ErrorKind::kInvalid) << image.error().message;
  expect_nothing_stored();
}

TEST_F(HostileLayer, PaxHeadersThatDisagree) {
  testing::TarFields fields;
  fields.name = "a";
  fields.pax = {{"size", "1024"}};
  fields.size = 0;
  // For a reader that ignores the pax size, the content is another header.
  const std::string inner = TarBuilder().file("../../evil", "").without_end();
  const auto image = import(OciImage().gzipped(TarBuilder().add(fields, inner + inner).finish()));
  if (image.ok()) {
    EXPECT_EQ(content_of(layer(*image, 0) + "/a"), inner + inner);
  } else {
    EXPECT_EQ(image.error().kind, base::ErrorKind::kInvalid);
  }
}

TEST_F(HostileLayer, GarbageInsteadOfTar) {
  expect_refused(OciImage().plain(std::string(5000, 'g')), "layer 1 of 1");
  expect_refused(OciImage().gzipped(std::string(5000, 'g')), "layer 1 of 1");
  std::string cut = small_layer().file("big", std::string(5000, 'x')).finish();
  cut.resize(cut.size() / 2);
  expect_refused(OciImage().gzipped(cut), "layer 1 of 1");
}

TEST_F(HostileLayer, ManyReplacementsStayLinear) {
  // Each opaque mark and each replacement looks at what it concerns only.
  TarBuilder tar;
  for (int i = 0; i < 3000; ++i) {
    const std::string name = "d" + std::to_string(i);
    tar.file(name + "/x", "").opaque(name).file(name, "").whiteout("", name);
  }
  const auto image = import(OciImage().gzipped(tar.finish()));
  ASSERT_TRUE(image.ok()) << image.error().message;
}

}  // namespace
}  // namespace stagebox::images
