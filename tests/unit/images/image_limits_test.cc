// Each limit of images/limits.h as a whole import meets it: refused by name, in every form of
// layer, and nothing is left. First with limits lowered to what a small archive exceeds, then the
// hostile archives of their real size that are cheap to make.
#include <functional>

#include "images/base/limits.h"
#include "tests/unit/images/image_fixture.h"

namespace stagebox::images {
namespace {

using ::testing::HasSubstr;
using testing::make_descriptor;
using testing::make_index;

class ImageLimits : public ImageFixture {
 protected:
  static OciImage image() { return OciImage().gzipped(small_layer().finish()); }

  /// Accepted with the usual limits, refused with `lower`ed ones, by each store.
  void expect_limited(const ArchiveFiles& files, const std::function<void(Limits&)>& lower,
                      const std::string& what) {
    const std::string path = archive(pack(files));
    ImportOptions options = usual_options();
    lower(options.limits);
    for (const ImageStore* store : {&store_, &erofs_store_}) {
      const auto refused = store->import_archive(path, options);
      ASSERT_FALSE(refused.ok()) << "imported although: " << what;
      EXPECT_EQ(refused.error().kind, base::ErrorKind::kInvalid) << refused.error().message;
      EXPECT_THAT(refused.error().message, HasSubstr(what));
    }
    expect_nothing_stored();
    TempDir other;
    const auto accepted =
        ImageStore::open(other.fd(), usual_ownership())->import_archive(path, usual_options());
    EXPECT_TRUE(accepted.ok()) << accepted.error().message;
  }
  void expect_limited(const TarBuilder& tar, const std::function<void(Limits&)>& lower,
                      const std::string& what) {
    expect_limited(oci_files(OciImage().gzipped(tar.finish())), lower, what);
  }
};

TEST_F(ImageLimits, Documents) {
  const ArchiveFiles files = oci_files(image());
  expect_limited(files, [](Limits& limits) { limits.json_bytes = 100; }, "the limit is 100");
  expect_limited(files, [](Limits& limits) { limits.json_values = 3; }, "too many values");
  expect_limited(files, [](Limits& limits) { limits.json_depth = 2; }, "nested too deeply");
  expect_limited(
      files, [](Limits& limits) { limits.documents_bytes = image().manifest().size() - 1; },
      "larger than a JSON document may be");
}

TEST_F(ImageLimits, Indexes) {
  ArchiveFiles files = oci_files(image());
  const std::string inner = make_index({image().descriptor()});
  add_blob(files, inner);
  files["index.json"] = make_index({make_descriptor(kIndexType, inner)});
  expect_limited(files, [](Limits& limits) { limits.index_depth = 0; }, "nested too deeply");
  expect_limited(files, [](Limits& limits) { limits.index_entries = 1; }, "index is too long");
}

TEST_F(ImageLimits, DocumentsOfDockerArchives) {
  const ArchiveFiles files = docker_files(image());
  expect_limited(
      files, [](Limits& limits) { limits.documents_bytes = 10; }, "configs are too large");
  expect_limited(
      files, [](Limits& limits) { limits.index_entries = 0; }, "manifest.json is too long");
  expect_limited(files, [](Limits& limits) { limits.json_bytes = 50; }, "the limit is 50");
}

TEST_F(ImageLimits, MembersOfTheArchive) {
  expect_limited(
      oci_files(image()), [](Limits& limits) { limits.archive_members = 3; },
      "more than 3 members");
}

TEST_F(ImageLimits, Layers) {
  OciImage three = image();
  for (int i = 0; i < 2; ++i) three.plain(TarBuilder().file("f" + std::to_string(i), "").finish());
  const auto lower = [](Limits& limits) { limits.layers = 2; };
  expect_limited(oci_files(three), lower, "3 layers; the limit is 2");
  expect_limited(docker_files(three), lower, "3 layers; the limit is 2");
}

TEST_F(ImageLimits, BytesOfAllLayers) {
  // Neither layer has as many.
  OciImage two;
  for (const char* name : {"a", "b"}) {
    two.plain(TarBuilder().file(name, std::string(6000, 'x')).finish());
  }
  const auto lower = [](Limits& limits) { limits.expanded_bytes = 10'000; };
  expect_limited(oci_files(two), lower, "more than 10000 bytes");
}

TEST_F(ImageLimits, Ratio) {
  expect_limited(
      TarBuilder().file("zeros", std::string(2UL << 20U, '\0')),
      [](Limits& limits) {
        limits.ratio = 20;
        limits.ratio_free_bytes = 1UL << 20U;
      },
      "more than 20 times");
}

TEST_F(ImageLimits, Entries) {
  expect_limited(
      TarBuilder().file("a/b/c/d", ""), [](Limits& limits) { limits.entries = 3; },
      "more than 3 files");
}

TEST_F(ImageLimits, Names) {
  expect_limited(
      TarBuilder().file("a/b/c", ""), [](Limits& limits) { limits.path_depth = 2; },
      "more than 2 components");
  testing::TarFields fields;
  fields.name = "short";
  for (const std::string& name :
       {std::string(256, 'n'), std::string(3000, '/') + std::string(1097, 'n')}) {
    fields.pax = {{"path", name}};
    expect_layer_refused(TarBuilder().add(fields), "longer than a file system allows");
  }
}

TEST_F(ImageLimits, ExtendedAttributes) {
  testing::TarFields fields;
  fields.name = "f";
  fields.pax = {{"SCHILY.xattr.user.a", std::string(100, 'a')}, {"SCHILY.xattr.user.b", "b"}};
  const TarBuilder tar = TarBuilder().add(fields);
  expect_limited(tar, [](Limits& limits) { limits.xattrs = 1; }, "more than 1 extended attributes");
  expect_limited(tar, [](Limits& limits) { limits.xattr_bytes = 99; }, "more than 99 bytes");
}

TEST_F(ImageLimits, HeadersOfOneEntry) {
  testing::TarFields fields;
  fields.name = "f";
  fields.pax = {{"comment", std::string(20UL << 20U, 'c')}};
  expect_refused(OciImage().plain(TarBuilder().add(fields).finish()), "header too large");
  // A map of holes is a header of another kind.
  fields.pax = {{"GNU.sparse.major", "1"},
                {"GNU.sparse.minor", "0"},
                {"GNU.sparse.name", "f"},
                {"GNU.sparse.realsize", "1000000000"}};
  std::string map = "100000000\n";
  while (map.size() < 12UL << 20U) map += std::to_string(map.size()) + "\n1\n";
  expect_refused(OciImage().plain(TarBuilder().add(fields, map).finish()),
                 "the headers of one entry have more than 8388608 bytes");
}

// Device nodes are remembered by name in every form of layer.
TEST_F(ImageLimits, WhatIsRememberedOfALayer) {
  TarBuilder tar;
  testing::TarFields device;
  device.type = '3';
  for (int i = 0; i < 100; ++i) {
    device.name = "device" + std::to_string(i);
    tar.add(device);
  }
  expect_limited(
      tar, [](Limits& limits) { limits.pending_bytes = 2000; },
      "more than 2000 bytes of directory names and attributes");
}

// The same member again and again: to a reader one stream, of any length.
std::string header_of_zeros(std::uint64_t size) {
  testing::TarFields fields;
  fields.name = "zeros";
  fields.size = size;
  return TarBuilder().add(fields).without_end();
}

std::string repeated(const std::string& text, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

TEST_F(ImageLimits, TenGibibytesOfZeros) {
  constexpr std::uint64_t kSize = 10ULL << 30;
  constexpr std::uint64_t kMember = 32ULL << 20;
  const std::string zeros(kMember, '\0');
  const std::string header = header_of_zeros(kSize);
  OciImage lie = OciImage().gzipped("");
  lie.layers[0].blob = testing::gzip(header) + repeated(testing::gzip(zeros), kSize / kMember);
  lie.layers[0].diff_id = testing::digest_of("never looked at");
  EXPECT_LT(lie.layers[0].blob.size(), 60U << 20U);
  expect_refused(lie, "decompression bomb");
  lie = OciImage().zstded("");
  lie.layers[0].blob = testing::zstd(header) + repeated(testing::zstd(zeros), kSize / kMember);
  lie.layers[0].diff_id = testing::digest_of("never looked at");
  EXPECT_LT(lie.layers[0].blob.size(), 10U << 20U);
  expect_refused(lie, "decompression bomb");
}

TEST_F(ImageLimits, AHundredThousandDirectoriesDeep) {
  testing::TarFields fields;
  fields.name = "short";
  fields.type = '5';
  fields.pax = {{"path", repeated("d/", 100'000)}};
  expect_layer_refused(TarBuilder().add(fields), "longer than a file system allows");
  // One step for each entry, through a link that leads to the deepest directory so far.
  TarBuilder steps;
  std::string deepest;
  for (int i = 0; i < 2000; ++i) {
    deepest += deepest.empty() ? "d" : "/d";
    steps.dir("l/d").symlink("l", deepest);
  }
  expect_layer_refused(steps, "layer 1 of 1");
}

}  // namespace
}  // namespace stagebox::images
