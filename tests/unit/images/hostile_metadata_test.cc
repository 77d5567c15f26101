// Documents of an archive that lie or ask too much.
#include "tests/unit/images/image_fixture.h"

namespace stagebox::images {
namespace {

using ::testing::HasSubstr;
using testing::make_descriptor;
using testing::make_index;

class HostileMetadata : public ImageFixture {
 protected:
  static OciImage image() { return OciImage().gzipped(small_layer().finish()); }
  void expect_index_refused(const std::string& index, const std::string& what) {
    ArchiveFiles files = oci_files(image());
    files["index.json"] = index;
    expect_refused(archive(pack(files)), what);
  }
};

TEST_F(HostileMetadata, DigestsThatArePaths) {
  for (const std::string& digest : std::vector<std::string>{
           "sha256:../../../../etc/passwd", "../../x", "sha256:", "sha256:ABCDEF", "md5:1234",
           "sha256:" + std::string(63, 'a'), "sha256:" + std::string(65, 'a')}) {
    OciImage lie = image();
    lie.layers[0].digest = digest;
    expect_refused(lie, "layers[0]");
    lie = image();
    lie.layers[0].diff_id = digest;
    expect_refused(lie, "the config");
    expect_index_refused(make_index({R"({"mediaType":"x","size":1,"digest":")" + digest + "\"}"}),
                         "index.json");
  }
}

TEST_F(HostileMetadata, Sizes) {
  OciImage lie = image();
  lie.layers[0].size = -1;
  expect_refused(lie, "non-negative");
  lie.layers[0].size = 10;
  expect_refused(lie, "tampered with");
  lie.layers[0].size = 1'000'000;
  expect_refused(lie, "truncated");
  for (const std::string size : {"1.5", "\"1\"", "null", "1e400", "[]"}) {
    expect_index_refused(make_index({R"({"mediaType":"x","digest":")" + testing::digest_of("") +
                                     R"(","size":)" + size + "}"}),
                         "index.json");
  }
}

TEST_F(HostileMetadata, DiffIds) {
  OciImage lie = image();
  lie.layers[0].diff_id = testing::digest_of("something else");
  expect_refused(lie, "diff id");
  lie = image();
  lie.rootfs_type = "files";
  expect_refused(lie, "rootfs.type");
  // One diff id more than layers, and one less.
  OciImage two = image();
  two.gzipped(TarBuilder().file("x", "").finish());
  ArchiveFiles files = oci_files(two);
  const std::string config = image().config();
  std::string manifest = two.manifest();
  const std::string own = make_descriptor("application/vnd.oci.image.config.v1+json", two.config());
  manifest.replace(manifest.find(own), own.size(),
                   make_descriptor("application/vnd.oci.image.config.v1+json", config));
  add_blob(files, manifest);
  add_blob(files, config);
  files["index.json"] = make_index({make_descriptor(two.manifest_type, manifest)});
  expect_refused(archive(pack(files)), "2 layers, but its config has 1 diff ids");
}

TEST_F(HostileMetadata, ValidLayersOfWrongOrder) {
  OciImage two = image();
  two.gzipped(TarBuilder().file("x", "").finish());
  std::swap(two.layers[0].tar, two.layers[1].tar);
  expect_refused(two, "diff id");
}

TEST_F(HostileMetadata, MediaTypes) {
  OciImage lie = image();
  lie.layers[0].media_type = "application/vnd.oci.image.layer.v1.tar";
  expect_refused(lie, "first bytes say gzip");
  lie.layers[0].media_type = "application/vnd.oci.image.layer.v1.tar+zstd";
  expect_refused(lie, "media type says zstd");
  lie.layers[0].media_type = "application/x-sh";
  expect_refused(lie, "media type");
  lie = image();
  lie.layers[0].blob = lie.layers[0].tar;
  expect_refused(lie, "media type says gzip");

  // Both an index and a manifest (CVE-2021-41190).
  ArchiveFiles files = oci_files(image());
  std::string both = image().manifest();
  both.insert(1, R"("manifests":[],)");
  add_blob(files, both);
  files["index.json"] = make_index({make_descriptor(image().manifest_type, both)});
  expect_refused(archive(pack(files)), "at the same time");
  // Embedded and referred to differently.
  files["index.json"] = make_index({make_descriptor(
      "application/vnd.docker.distribution.manifest.v2+json", image().manifest())});
  expect_refused(archive(pack(files)), "referred to as");
  expect_index_refused(R"({"mediaType":"application/vnd.oci.image.manifest.v1+json"})",
                       "does not belong here");
}

TEST_F(HostileMetadata, Platforms) {
  OciImage arm = image();
  arm.architecture = "arm64";
  expect_refused(arm, "the image is for linux/arm64");
  arm.platform = R"({"os":"linux","architecture":"arm64"})";
  expect_refused(arm, "the image is for linux/arm64");
  arm.platform = R"({"os":"linux","architecture":"amd64"})";  // the index lies, the config does not
  expect_refused(arm, "the image is for linux/arm64");
  OciImage windows = image();
  windows.os = "windows";
  expect_refused(windows, "windows/amd64");
  expect_refused(archive(pack(docker_files(arm))), "the image is for linux/arm64");
}

TEST_F(HostileMetadata, PlatformMessageNamesThisMachine) {
  OciImage other = image();
  other.architecture = "s390x";
  const auto stored = store_.import_archive(archive(other), ImportOptions{});
  ASSERT_FALSE(stored.ok());
  EXPECT_THAT(stored.error().message, HasSubstr("the image is for linux/s390x, this machine is " +
                                                Platform::host().display()));
}

TEST_F(HostileMetadata, IndexesThatNest) {
  // Deeper than allowed.
  ArchiveFiles files = oci_files(image());
  std::string index = make_index({image().descriptor()});
  for (int i = 0; i < 8; ++i) {
    add_blob(files, index);
    index = make_index({make_descriptor(kIndexType, index)});
  }
  files["index.json"] = index;
  expect_refused(archive(pack(files)), "nested too deeply");
  // One inner index many times: looked at once.
  files = oci_files(image());
  const std::string inner = make_index({image().descriptor()});
  add_blob(files, inner);
  files["index.json"] =
      make_index(std::vector<std::string>(5000, make_descriptor(kIndexType, inner)));
  EXPECT_TRUE(import(archive(pack(files))).ok());
  // Too many.
  files["index.json"] =
      make_index(std::vector<std::string>(10001, make_descriptor(kIndexType, inner)));
  ASSERT_TRUE(store_.remove(testing::digest_of(image().manifest())).ok());
  const auto again = import(archive(pack(files)));
  ASSERT_FALSE(again.ok());
  EXPECT_THAT(again.error().message, HasSubstr("too long"));
}

TEST_F(HostileMetadata, JsonThatIsTooMuch) {
  expect_index_refused(std::string(21UL << 20U, ' '), "the limit is 20971520");
  expect_index_refused(std::string(10'000, '['), "nested too deeply");
  expect_index_refused("{\"a\":[" + std::string(3'000'000, '1').replace(0, 0, "") + "]}", "JSON");
  std::string many = "{\"a\":[0";
  for (int i = 0; i < 1'100'000; ++i) many += ",0";
  expect_index_refused(many + "]}", "too many values");
  expect_index_refused("", "JSON");
  expect_index_refused("{", "JSON");
  expect_index_refused("[]", "no image");
  expect_index_refused("{\"manifests\":{}}", "not an array");
  expect_index_refused("{\"manifests\":[1]}", "not an object");
  expect_index_refused("\xff\xfe", "JSON");
}

TEST_F(HostileMetadata, NulBytesInTheConfig) {
  OciImage lie = image();
  lie.process = R"({"Cmd":["/bin/sh\u0000-c"]})";
  expect_refused(lie, "NUL byte");
  lie.process = R"({"Env":"A=b"})";
  expect_refused(lie, "not an array");
  lie.process = R"({"User":5})";
  expect_refused(lie, "not a string");
}

TEST_F(HostileMetadata, PinnedDigest) {
  const OciImage good = image();
  ImportOptions options = usual_options();
  options.pinned = base::Sha256::of("something else");
  const std::string path = archive(good);
  auto stored = store_.import_archive(path, options);
  ASSERT_FALSE(stored.ok());
  EXPECT_EQ(stored.error().kind, base::ErrorKind::kInvalid);
  EXPECT_THAT(stored.error().message, HasSubstr(options.pinned->oci()));
  EXPECT_THAT(stored.error().message, HasSubstr(testing::digest_of(good.manifest())));
  expect_nothing_stored();
  options.pinned = base::Sha256::of(good.manifest());
  EXPECT_TRUE(store_.import_archive(path, options).ok());
  options.pinned = base::Sha256::of(good.config());
  EXPECT_TRUE(store_.import_archive(path, options).ok());
}

TEST_F(HostileMetadata, ForeignAndMissingLayers) {
  ArchiveFiles files = oci_files(image());
  files.erase("blobs/sha256/" + testing::hex_of(image().layers[0].blob));
  expect_refused(archive(pack(files)), "is missing");
  std::string manifest = image().manifest();
  manifest.insert(manifest.find("\"layers\":[{") + 11, R"("urls":["https://example.org/x"],)");
  add_blob(files, manifest);
  files["index.json"] = make_index({make_descriptor(image().manifest_type, manifest)});
  expect_refused(archive(pack(files)), "foreign layer");
}

TEST_F(HostileMetadata, NoLayers) {
  expect_refused(OciImage(), "no layers");
  expect_refused(archive(pack({{"x", "y"}})), "it is no image");
  expect_refused(archive(pack({{"oci-layout", "{}"}, {"index.json", "{}"}})), "imageLayoutVersion");
}

TEST_F(HostileMetadata, DockerConfigThatIsAPath) {
  ArchiveFiles files = docker_files(image());
  for (const std::string name : {"../../../etc/passwd", "/etc/passwd", "missing.json", ""}) {
    files["manifest.json"] = R"([{"Config":")" + name + R"(","Layers":["x"]}])";
    const auto stored = import(archive(pack(files)));
    ASSERT_FALSE(stored.ok());
    EXPECT_EQ(stored.error().kind, base::ErrorKind::kInvalid) << stored.error().message;
  }
}

TEST_F(HostileMetadata, PathsOfOddKinds) {
  ASSERT_EQ(::mkfifo(files_.path("fifo").c_str(), 0600), 0);
  expect_refused(files_.path("fifo"), "neither a regular file nor a directory");
  const auto missing = import(files_.path("missing"));
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().kind, base::ErrorKind::kNotFound);
  // A fifo in place of a document does not hold the import up.
  std::filesystem::create_directory(files_.path("layout"));
  ASSERT_EQ(::mkfifo(files_.path("layout/oci-layout").c_str(), 0600), 0);
  expect_refused(files_.path("layout"), "not a regular file");
  std::filesystem::remove(files_.path("layout/oci-layout"));
  std::filesystem::create_symlink("/etc/hostname", files_.path("layout/oci-layout"));
  expect_refused(files_.path("layout"), "a link that leaves the directory");
  std::filesystem::remove(files_.path("layout/oci-layout"));
  std::filesystem::create_symlink("oci-layout", files_.path("layout/oci-layout"));
  expect_refused(files_.path("layout"), "a link that leads nowhere");
}

}  // namespace
}  // namespace stagebox::images
