// Every kind of archive, and which image of it is taken.
#include "tests/unit/images/image_fixture.h"

namespace stagebox::images {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::make_descriptor;
using testing::make_index;

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

TEST_F(ImageFormats, DirectoriesOfSkopeoAreToldApart) {
  unpack_to(files_.path("dir"), {{"version", "Directory Transport Version: 1.1"},
                                 {"manifest.json", image().manifest()}});
  expect_refused(files_.path("dir"), "save the image as an OCI archive");
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
  const std::string whole = pack(oci_files(image()));
  expect_imported(archive(testing::gzip(whole), "a.tar.gz"));
  expect_imported(archive(testing::zstd(pack(docker_files(image()))), "b.tar.zst"));
  TempDir other;
  const auto store = ImageStore::open(other.fd(), usual_ownership());
  const auto xz = store->import_archive(archive(std::string("\xfd\x37zXZ\0\0\0", 8) + whole), {});
  ASSERT_FALSE(xz.ok());
  EXPECT_THAT(xz.error().message, HasSubstr("compressed with xz"));
}

TEST_F(ImageFormats, ACompressedBombIsRefused) {
  ImportOptions options = usual_options();
  options.limits.ratio_free_bytes = 1 << 20U;
  const std::string zeros(8UL << 20U, '\0');
  const auto ratio = store_.import_archive(archive(testing::zstd(zeros)), options);
  ASSERT_FALSE(ratio.ok());
  EXPECT_THAT(ratio.error().message, HasSubstr("bomb"));
  options.limits.expanded_bytes = 1 << 20U;
  options.limits.ratio_free_bytes = 64 << 20U;
  const auto size = store_.import_archive(archive(testing::zstd(zeros)), options);
  ASSERT_FALSE(size.ok());
  EXPECT_THAT(size.error().message, HasSubstr("more than 1048576 bytes"));
  expect_nothing_stored();
}

TEST_F(ImageFormats, RootFileSystem) {
  ImportOptions options = usual_options();
  options.kind = ImportKind::kRootfs;
  const std::string tar = small_layer().finish();
  const auto stored = store_.import_archive(archive(tar), options);
  ASSERT_TRUE(stored.ok()) << stored.error().message;
  EXPECT_EQ(content_of(layer(*stored, 0) + "/bin/sh"), "#!");
  EXPECT_EQ(stored->config.architecture, "amd64");
  EXPECT_EQ(stored->diff_ids.front().oci(), testing::digest_of(tar));
  // However it is compressed, it is the same image.
  for (const std::string& packed : {testing::gzip(tar), testing::zstd(tar)}) {
    const auto again = store_.import_archive(archive(packed, "packed"), options);
    ASSERT_TRUE(again.ok()) << again.error().message;
    EXPECT_EQ(again->manifest_digest, stored->manifest_digest);
  }
  // The same file is another image when it is taken for an archive of images.
  const auto wrong = store_.import_archive(archive(tar), usual_options());
  ASSERT_FALSE(wrong.ok());
  EXPECT_THAT(wrong.error().message, HasSubstr("--rootfs"));
  const auto text = store_.import_archive(archive(std::string(600, 'x'), "text"), options);
  ASSERT_FALSE(text.ok());
  EXPECT_THAT(text.error().message, HasSubstr("not a tar archive"));
  const auto empty = store_.import_archive(archive(TarBuilder().finish(), "empty"), options);
  ASSERT_FALSE(empty.ok());
  EXPECT_THAT(empty.error().message, HasSubstr("empty tar archive"));
}

TEST_F(ImageFormats, VariantsOfOneArchitecture) {
  ArchiveFiles files = oci_files(image());
  std::vector<std::string> descriptors;
  for (const char* variant : {"v5", "v7", "v6"}) {
    OciImage one = OciImage().gzipped(TarBuilder().file(variant, "").finish());
    one.architecture = "arm";
    one.platform =
        std::string(R"({"os":"linux","architecture":"arm","variant":")") + variant + "\"}";
    add_image_blobs(files, one);
    descriptors.push_back(one.descriptor());
  }
  files["index.json"] = make_index(descriptors);
  const std::string path = archive(pack(files));
  ImportOptions options = usual_options();
  for (const char* wanted : {"v7", "v6"}) {
    options.platform = {"linux", "arm", wanted};
    const auto stored = store_.import_archive(path, options);
    ASSERT_TRUE(stored.ok()) << stored.error().message;
    EXPECT_EQ(content_of(layer(*stored, 0) + "/" + wanted), "");
  }
}

TEST_F(ImageFormats, ArtifactsAreNoImages) {
  const OciImage one = image();
  ArchiveFiles files = oci_files(one);
  const std::string empty = "{}";
  const auto artifact = [&](const std::string& config_type, const std::string& layer_type,
                            const std::string& more) {
    const std::string manifest = R"({"schemaVersion":2)" + more + R"(,"config":)" +
                                 make_descriptor(config_type, empty) + R"(,"layers":[)" +
                                 make_descriptor(layer_type, empty) + "]}";
    add_blob(files, manifest);
    return make_descriptor("application/vnd.oci.image.manifest.v1+json", manifest);
  };
  const std::string chart = artifact("application/vnd.cncf.helm.config.v1+json", "x/tar", "");
  const std::string signature = artifact("application/vnd.oci.image.config.v1+json",
                                         "application/vnd.dev.cosign.simplesigning.v1+json", "");
  const std::string bill = artifact("application/vnd.oci.empty.v1+json", "text/spdx+json",
                                    R"(,"artifactType":"application/spdx+json")");
  files["index.json"] = make_index({chart, signature, one.descriptor(), bill});
  add_blob(files, empty);
  expect_imported(archive(pack(files)));
  files["index.json"] = make_index({bill});
  const auto none = import(archive(pack(files), "bill.tar"));
  ASSERT_FALSE(none.ok());
  EXPECT_THAT(none.error().message, HasSubstr("application/spdx+json"));
}

TEST_F(ImageFormats, DockerArchiveOfSeveralImages) {
  const OciImage one = image();
  const OciImage two = OciImage().plain(TarBuilder().file("two", "2").finish());
  ArchiveFiles files = docker_files(one, "one:1");
  const std::string first = files["manifest.json"];
  files.merge(docker_files(two, "two:latest"));
  const std::string second = docker_files(two, "two:latest")["manifest.json"];
  files["manifest.json"] = first.substr(0, first.size() - 1) + "," + second.substr(1);
  const std::string path = archive(pack(files));
  expect_refused(path, "\"one:1\", \"two:latest\"");
  ImportOptions options = usual_options();
  for (const char* name : {"two", "docker.io/library/two:latest", "@1"}) {
    options.reference = name;
    const auto stored = store_.import_archive(path, options);
    ASSERT_TRUE(stored.ok()) << name << ": " << stored.error().message;
    EXPECT_EQ(content_of(layer(*stored, 0) + "/two"), "2");
  }
}

}  // namespace
}  // namespace stagebox::images
