// Every kind of archive, and which image of it is taken.
#include "tests/unit/images/image_fixture.h"

namespace stagebox::images {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::make_descriptor;
using testing::make_index;

constexpr const char* kIndexType = "application/vnd.oci.image.index.v1+json";

class ImageFormats : public ImageFixture {
 protected:
  static OciImage image() { return OciImage().gzipped(small_layer().finish()); }
  void expect_imported(const std::string& path) {
    const auto stored = import(path);
    ASSERT_TRUE(stored.ok()) << stored.error().message;
    EXPECT_EQ(content_of(layer(*stored, stored->diff_ids.size() - 1) + "/bin/sh"), "#!");
  }
};

TEST_F(ImageFormats, OciArchiveOfEveryCompression) {
  const std::string tar = small_layer().finish();
  expect_imported(archive(OciImage().plain(tar)));
  expect_imported(archive(OciImage().gzipped(tar).plain(TarBuilder().file("x", "").finish())));
  expect_imported(archive(OciImage().zstded(tar).gzipped(TarBuilder().file("y", "").finish())));
  OciImage chunked;
  chunked.zstded(tar).layers[0].blob =
      testing::zstd_skippable("a") + testing::zstd(tar) + testing::zstd_skippable("b");
  chunked.gzipped(TarBuilder().file("z", "").finish());
  expect_imported(archive(chunked));
  OciImage stargz;
  stargz.gzipped(tar).layers[0].blob =
      testing::gzip(tar.substr(0, 700)) + testing::gzip(tar.substr(700));
  stargz.gzipped(TarBuilder().file("w", "").finish());
  expect_imported(archive(stargz));
}

TEST_F(ImageFormats, ConfigIsRead) {
  const auto stored = import(image());
  ASSERT_TRUE(stored.ok()) << stored.error().message;
  EXPECT_EQ(stored->manifest_digest.oci(), testing::digest_of(image().manifest()));
  EXPECT_EQ(stored->config_digest.oci(), testing::digest_of(image().config()));
  EXPECT_THAT(stored->config.env, ElementsAre("PATH=/bin", "A=b"));
  EXPECT_THAT(stored->config.cmd, ElementsAre("/bin/sh"));
  EXPECT_EQ(stored->config.working_dir, "/w");
  EXPECT_EQ(stored->config.architecture, "amd64");
  EXPECT_EQ(stored->size_bytes, small_layer().finish().size());
}

TEST_F(ImageFormats, LayoutDirectory) {
  unpack_to(files_.path("layout"), oci_files(image()));
  expect_imported(files_.path("layout"));
}

TEST_F(ImageFormats, IndexLast) {
  TarBuilder tar;
  ArchiveFiles files = oci_files(image());
  const std::string index = files["index.json"];
  files.erase("index.json");
  for (const auto& [name, content] : files) tar.file(name, content);
  expect_imported(archive(tar.file("index.json", index).finish()));
}

TEST_F(ImageFormats, DockerArchive) {
  OciImage two =
      OciImage().plain(small_layer().finish()).plain(TarBuilder().file("x", "x").finish());
  const auto stored = import(archive(pack(docker_files(two))));
  ASSERT_TRUE(stored.ok()) << stored.error().message;
  EXPECT_EQ(content_of(layer(*stored, 0) + "/x"), "x");
  EXPECT_EQ(content_of(layer(*stored, 1) + "/bin/sh"), "#!");
  // The digest depends on the contents alone, not on how they are packed.
  OciImage packed = OciImage().gzipped(two.layers[0].tar).gzipped(two.layers[1].tar);
  const auto again =
      open_store(usual_ownership())
          .import_archive(archive(pack(docker_files(packed)), "b.tar"), usual_options());
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again->manifest_digest, stored->manifest_digest);
}

TEST_F(ImageFormats, DockerLegacyLinks) {
  const std::string tar = small_layer().finish();
  const OciImage one = OciImage().plain(tar);
  const std::string config = testing::hex_of(one.config()) + ".json";
  TarBuilder outer;
  outer.file(testing::hex_of(tar) + ".tar", tar).file(config, one.config());
  outer.symlink("abc/layer.tar", "../" + testing::hex_of(tar) + ".tar");
  outer.file("manifest.json", R"([{"Config":")" + config + R"(","Layers":["abc/layer.tar"]}])");
  expect_imported(archive(outer.finish()));
}

TEST_F(ImageFormats, DockerFallbacks) {
  ArchiveFiles files = docker_files(image());
  files["oci-layout"] = R"({"imageLayoutVersion":"1.0.0"})";
  files["index.json"] = R"({"schemaVersion":2,"manifests":null})";
  expect_imported(archive(pack(files)));
  OciImage empty = image();
  empty.layers.clear();
  add_image_blobs(files, empty);
  files["index.json"] = make_index({empty.descriptor()});
  expect_imported(archive(pack(files), "b.tar"));
}

TEST_F(ImageFormats, DockerDamageIsNotHiddenByTheFallback) {
  ArchiveFiles files = docker_files(image());
  for (const auto& [name, content] : oci_files(image())) files[name] = content;
  files["blobs/sha256/" + testing::hex_of(image().manifest())][5] ^= 1;
  expect_refused(archive(pack(files)), "tampered");
}

TEST_F(ImageFormats, NestedIndexWithPlatformsAndAttestations) {
  OciImage amd = image();
  amd.platform = R"({"os":"linux","architecture":"amd64"})";
  OciImage arm = OciImage().gzipped(TarBuilder().file("arm", "").finish());
  arm.architecture = "arm64";
  arm.platform = R"({"os":"linux","architecture":"arm64","variant":"v8"})";
  OciImage proof = OciImage().gzipped("statement");
  proof.platform = R"({"os":"unknown","architecture":"unknown"})";
  proof.annotations = R"({"vnd.docker.reference.type":"attestation-manifest"})";
  ArchiveFiles files = oci_files(amd);
  add_image_blobs(files, proof);
  // The blobs of the other platform are not in the archive, as Docker leaves them.
  const std::string inner = make_index({proof.descriptor(), arm.descriptor(), amd.descriptor()});
  add_blob(files, inner);
  files["index.json"] = make_index({make_descriptor(kIndexType, inner)});
  expect_imported(archive(pack(files)));

  ImportOptions options = usual_options();
  options.platform = {"linux", "riscv64", ""};
  const auto none = store_.import_archive(archive(pack(files), "b.tar"), options);
  ASSERT_FALSE(none.ok());
  EXPECT_THAT(none.error().message, HasSubstr("linux/arm64/v8, linux/amd64"));
}

TEST_F(ImageFormats, SeveralImages) {
  OciImage one = image();
  one.annotations = R"({"org.opencontainers.image.ref.name":"one"})";
  OciImage two = OciImage().gzipped(TarBuilder().file("two", "2").finish());
  two.annotations = R"({"io.containerd.image.name":"docker.io/library/two:1"})";
  ArchiveFiles files = oci_files(one);
  add_image_blobs(files, two);
  files["index.json"] = make_index({one.descriptor(), two.descriptor()});
  const std::string path = archive(pack(files));
  expect_refused(path, "2 images that would do");
  ImportOptions options = usual_options();
  options.reference = "docker.io/library/two:1";
  auto stored = store_.import_archive(path, options);
  ASSERT_TRUE(stored.ok()) << stored.error().message;
  EXPECT_EQ(content_of(layer(*stored, 0) + "/two"), "2");
  options.reference = "three";
  EXPECT_FALSE(store_.import_archive(path, options).ok());
  options.reference.reset();
  options.pinned = base::Sha256::of(one.config());
  stored = store_.import_archive(path, options);
  ASSERT_TRUE(stored.ok()) << stored.error().message;
  EXPECT_EQ(stored->manifest_digest.oci(), testing::digest_of(one.manifest()));
}

TEST_F(ImageFormats, CompressedAsAWhole) {
  expect_refused(archive(testing::gzip(pack(oci_files(image())))), "compressed as a whole");
}

}  // namespace
}  // namespace stagebox::images
