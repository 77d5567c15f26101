// Archives whose layers the store has already: nothing is unpacked twice, everything is verified.
#include <gtest/gtest.h>

#include "tests/unit/images/image_fixture.h"

namespace stagebox::images {
namespace {

using ::testing::HasSubstr;

class StoredBlobTest : public ImageFixture {
 protected:
  StoredBlobTest() {
    image_.gzipped(small_layer().finish());
    auto stored = import(image_);
    EXPECT_TRUE(stored.ok()) << stored.error().message;
    root_ = layer(*stored, 0);
  }

  void expect_refused_beside_the_stored(const std::string& content, const std::string& what) {
    const auto again = import(archive(content, "again.tar"));
    ASSERT_FALSE(again.ok()) << "imported although: " << what;
    EXPECT_EQ(again.error().kind, base::ErrorKind::kInvalid);
    EXPECT_THAT(again.error().message, HasSubstr(what));
    // What was there has not suffered.
    EXPECT_EQ(store_.list()->size(), 1U);
    EXPECT_EQ(content_of(root_ + "/bin/sh"), "#!");
  }

  /// Changes one byte of the layer's blob and leaves its name and size.
  static std::string with_damaged_blob(const OciImage& image) {
    ArchiveFiles files = oci_files(image);
    const std::string& blob = image.layers[0].blob;
    std::string& stored =
        files.at("blobs/sha256/" + testing::hex_of(blob.empty() ? image.layers[0].tar : blob));
    stored[stored.size() / 2] ^= 1;
    return pack(files);
  }

  OciImage image_;
  std::string root_;
};

TEST_F(StoredBlobTest, IsNotUnpackedAgain) {
  const auto before = status_of(root_ + "/bin/sh");
  const auto again = import(archive(image_, "again.tar"));
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(layer(*again, 0), root_);
  EXPECT_EQ(status_of(root_ + "/bin/sh")->st_ino, before->st_ino);
}

TEST_F(StoredBlobTest, DamageOfAKnownBlobIsFound) {
  expect_refused_beside_the_stored(with_damaged_blob(image_), "damaged or tampered with: the blob");
}

TEST_F(StoredBlobTest, DamageOfAnUncompressedBlobIsFound) {
  OciImage plain;
  plain.plain(small_layer().finish());
  ASSERT_TRUE(import(archive(plain, "plain.tar")).ok());
  ASSERT_TRUE(store_.remove(testing::digest_of(plain.manifest())).ok());
  expect_refused_beside_the_stored(with_damaged_blob(plain), "damaged or tampered with: the blob");
}

// The digest is that of the blob, but the blob is not what the config says.
TEST_F(StoredBlobTest, BlobOfAnotherLayerIsFound) {
  OciImage liar;
  liar.gzipped(small_layer().file("more", "x").finish());
  liar.layers[0].diff_id = testing::digest_of(image_.layers[0].tar);
  expect_refused_beside_the_stored(pack(oci_files(liar)), "(diff id) should be");
}

TEST_F(StoredBlobTest, TheSameLayerMayBeCompressedInAnotherWay) {
  OciImage other;
  other.zstded(image_.layers[0].tar);
  auto again = import(archive(other, "zstd.tar"));
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(layer(*again, 0), root_);
  ASSERT_TRUE(store_.remove(again->manifest_digest.oci()).ok());
  expect_refused_beside_the_stored(with_damaged_blob(other), "zstd");
}

// Their blobs have no digests: the diff id has to show it.
TEST_F(StoredBlobTest, DockerArchivesAreVerifiedByTheirDiffIds) {
  ASSERT_TRUE(import(archive(pack(docker_files(image_)), "docker.tar")).ok());
  OciImage liar;
  liar.gzipped(small_layer().file("more", "x").finish());
  liar.layers[0].diff_id = testing::digest_of(image_.layers[0].tar);
  const auto again = import(archive(pack(docker_files(liar)), "again.tar"));
  ASSERT_FALSE(again.ok());
  EXPECT_THAT(again.error().message, HasSubstr("(diff id) should be"));
}

}  // namespace
}  // namespace stagebox::images
