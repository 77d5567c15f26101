// One good archive, broken in every way: whatever is cut or flipped, the result is either the very
// same image or a refusal that leaves nothing.
#include "tests/unit/images/image_fixture.h"

namespace stagebox::images {
namespace {

using ::testing::HasSubstr;

class ArchiveDamage : public ImageFixture {
 protected:
  static OciImage image() {
    return OciImage().gzipped(small_layer().finish()).zstded(TarBuilder().file("x", "x").finish());
  }

  /// A fresh store each time: a layer that is known already would not be read again.
  void expect_same_or_refused(const std::string& content, const base::Digest& expected,
                              std::size_t where) {
    const TempDir home;
    const auto store = ImageStore::open(home.fd(), usual_ownership());
    ASSERT_TRUE(store.ok());
    const auto stored = store->import_archive(archive(content), usual_options());
    if (stored.ok()) {
      EXPECT_EQ(stored->manifest_digest, expected) << where;
      return;
    }
    EXPECT_EQ(stored.error().kind, base::ErrorKind::kInvalid) << where << stored.error().message;
    for (const char* name : {"layers", "manifests", "refs", "tmp"}) {
      EXPECT_TRUE(std::filesystem::is_empty(home.path("images/" + std::string(name)))) << where;
    }
  }
};

TEST_F(ArchiveDamage, TruncatedAnywhere) {
  const std::string whole = pack(oci_files(image()));
  const base::Digest expected = base::Sha256::of(image().manifest());
  for (std::size_t length = 0; length < whole.size(); length += 211) {
    expect_same_or_refused(whole.substr(0, length), expected, length);
  }
}

TEST_F(ArchiveDamage, FlippedAnywhere) {
  const std::string whole = pack(oci_files(image()));
  const base::Digest expected = base::Sha256::of(image().manifest());
  for (std::size_t at = 0; at < whole.size(); at += 61) {
    std::string broken = whole;
    broken[at] = static_cast<char>(broken[at] ^ 0x41);
    expect_same_or_refused(broken, expected, at);
  }
}

TEST_F(ArchiveDamage, FlippedInEveryBlob) {
  const ArchiveFiles good = oci_files(image());
  for (const auto& [name, content] : good) {
    if (!name.starts_with("blobs/")) continue;
    for (const std::size_t at : {content.size() / 3, content.size() - 1}) {
      ArchiveFiles files = good;
      files[name][at] = static_cast<char>(files[name][at] ^ 0x01);
      expect_refused(archive(pack(files)), name);
    }
  }
}

TEST_F(ArchiveDamage, BlobsCutAndGrown) {
  const ArchiveFiles good = oci_files(image());
  for (const auto& [name, content] : good) {
    if (!name.starts_with("blobs/")) continue;
    ArchiveFiles files = good;
    files[name].pop_back();
    expect_refused(archive(pack(files)), "truncated");
    files[name] = content + "x";
    expect_refused(archive(pack(files)), "tampered");
    files.erase(name);
    expect_refused(archive(pack(files)), "missing");
  }
}

TEST_F(ArchiveDamage, BytesBehindTheEndOfALayer) {
  // Behind the end of the tar archive: part of the layer, so hashed. As promised they are fine.
  OciImage trailing = OciImage().gzipped(small_layer().finish() + std::string(4096, 'j'));
  EXPECT_TRUE(import(trailing).ok());
  trailing.layers[0].diff_id = testing::digest_of(small_layer().finish());
  TempDir home;
  const auto store = ImageStore::open(home.fd(), usual_ownership());
  const auto stored = store->import_archive(archive(trailing), usual_options());
  ASSERT_FALSE(stored.ok());
  EXPECT_THAT(stored.error().message, HasSubstr("diff id"));
}

TEST_F(ArchiveDamage, DockerConfigAndLayers) {
  const OciImage one = OciImage().plain(small_layer().finish());
  const ArchiveFiles good = docker_files(one);
  for (const auto& [name, content] : good) {
    if (name == "manifest.json") continue;
    ArchiveFiles files = good;
    files[name][content.size() / 2] ^= 0x20;
    expect_refused(archive(pack(files)), name.ends_with(".json") ? "tampered" : "layer 1 of 1");
  }
}

TEST_F(ArchiveDamage, MissingEndIsToldWhenSomethingIsMissing) {
  const std::string whole = pack(oci_files(image()));
  // Without the last member ("oci-layout") and the end.
  const auto message = [&](const std::string& content) {
    const auto stored = import(archive(content));
    return stored.ok() ? "imported" : stored.error().message;
  };
  EXPECT_THAT(message(whole.substr(0, whole.size() - 2048)), HasSubstr("truncated"));
}

}  // namespace
}  // namespace stagebox::images
