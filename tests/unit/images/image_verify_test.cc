// Verifying and exporting: every kind of change is found and named, and what is exported imports to
// the same layers.
#include <sys/xattr.h>

#include <map>

#include "tests/unit/images/image_fixture.h"

namespace stagebox::images {
namespace {

using ::testing::HasSubstr;

class ImageVerify : public ImageFixture {
 protected:
  /// Two layers with a file of every kind.
  static OciImage varied() {
    TarBuilder lower = small_layer();
    lower.dir("d").file("d/a", "aaaa").file("d/b", "bbbb", 0755).symlink("link", "d/a");
    lower.hardlink("hard", "d/a").file("twice", "first").file("empty", "");
    testing::TarFields fifo;
    fifo.name = "fifo";
    fifo.type = '6';
    lower.add(fifo);
    TarBuilder upper;
    upper.whiteout("d", "b").file("new", "n").hardlink("copy", "bin/sh");
    return OciImage().gzipped(lower.finish()).zstded(upper.finish());
  }
  /// A layer whose archive is not wholly in its files.
  static OciImage with_second_entries() {
    return OciImage().gzipped(small_layer().file("x", "first").file("x", "last").finish());
  }

  std::string damages(const Image& image) {
    const auto report = store_.verify({image}, {});
    if (!report.ok()) return "ERROR " + report.error().message;
    std::string text;
    for (const auto& damage : report->damages) text += damage.path + ": " + damage.what + "\n";
    return text;
  }
};

TEST_F(ImageVerify, NothingHasChanged) {
  const auto image = import(varied());
  ASSERT_TRUE(image.ok()) << image.error().message;
  EXPECT_EQ(damages(*image), "");
  const auto report = store_.verify({*image, *image}, {});
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->layers, 2U);  // each once
  EXPECT_GE(report->files, 15U);
}

TEST_F(ImageVerify, EveryChangeIsNamed) {
  const auto image = import(varied());
  ASSERT_TRUE(image.ok()) << image.error().message;
  const std::string root = layer(*image, 1);
  const std::string top = layer(*image, 0);
  testing::write_file(root + "/d/a", "aaab");
  ASSERT_EQ(::chmod((root + "/d/b").c_str(), 04755), 0);
  ASSERT_EQ(::setxattr((root + "/empty").c_str(), "user.new", "1", 1, 0), 0);
  std::filesystem::remove(root + "/link");
  std::filesystem::create_symlink("d/b", root + "/link");
  std::filesystem::remove(root + "/twice");
  testing::write_file(root + "/added", "");
  std::filesystem::remove(root + "/fifo");
  testing::write_file(root + "/fifo", "");
  testing::write_file(top + "/copy", "?!");  // not from this layer's archive
  const std::string found = damages(*image);
  EXPECT_THAT(found, HasSubstr("d/a: its content has changed"));
  EXPECT_THAT(found, HasSubstr("d/b: its mode is 4755 and was 755"));
  EXPECT_THAT(found, HasSubstr("empty: it has a new attribute \"user.new\""));
  EXPECT_THAT(found, HasSubstr("link: its time"));
  EXPECT_THAT(found, HasSubstr("its target is \"d/b\" and was \"d/a\""));
  EXPECT_THAT(found, HasSubstr("twice: it is missing"));
  EXPECT_THAT(found, HasSubstr("added: it was not imported"));
  EXPECT_THAT(found, HasSubstr("fifo: it is a file and was a fifo"));
  EXPECT_THAT(found, HasSubstr("copy: its time"));
  EXPECT_THAT(found, HasSubstr("its content has changed"));
}

TEST_F(ImageVerify, AFlippedByteWithTheOldTimeIsFound) {
  for (const OciImage& wanted : {varied(), with_second_entries()}) {
    const auto image = import(wanted);
    ASSERT_TRUE(image.ok()) << image.error().message;
    const std::string path = layer(*image, image->diff_ids.size() - 1) + "/bin/sh";
    const auto before = status_of(path);
    testing::write_file(path, "#?");
    const std::array<struct timespec, 2> times = {before->st_mtim, before->st_mtim};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times.data(), 0), 0);
    EXPECT_THAT(damages(*image), HasSubstr("bin/sh: its content has changed\n"));
  }
}

TEST_F(ImageVerify, MissingLayersAndRecords) {
  const auto image = import(varied());
  ASSERT_TRUE(image.ok()) << image.error().message;
  std::filesystem::path dir = std::filesystem::path(layer(*image, 1)).parent_path();
  std::filesystem::resize_file(dir / "record.zst", 30);
  EXPECT_THAT(damages(*image), HasSubstr(": what the store knows about the layer is damaged"));
  std::filesystem::remove_all(dir);
  EXPECT_EQ(damages(*image), ": the layer is missing\n");
}

TEST_F(ImageVerify, DamagedLayersAreReplaced) {
  const std::string path = archive(varied());
  const auto image = import(path);
  ASSERT_TRUE(image.ok()) << image.error().message;
  testing::write_file(layer(*image, 1) + "/d/a", "aaab");
  std::filesystem::remove_all(layer(*image, 1) + "/bin");
  const auto untouched = status_of(layer(*image, 0));
  ImportOptions options = usual_options();
  const auto report = store_.verify({*image}, {});
  for (const auto& damage : report->damages) options.replaced.insert(damage.layer);
  EXPECT_EQ(options.replaced.size(), 1U);
  {
    const auto in_use = store_.rootfs(*image);
    const auto refused = store_.import_archive(path, options);
    ASSERT_FALSE(refused.ok());
    EXPECT_THAT(refused.error().message, HasSubstr("a sandbox uses it"));
  }
  const auto repaired = store_.import_archive(path, options);
  ASSERT_TRUE(repaired.ok()) << repaired.error().message;
  EXPECT_EQ(damages(*image), "");
  EXPECT_EQ(status_of(layer(*image, 0))->st_ino, untouched->st_ino);
  EXPECT_TRUE(std::filesystem::is_empty(home_.path("images/tmp")));
}

TEST_F(ImageVerify, CanBeInterrupted) {
  const auto image = import(varied());
  std::stop_source source;
  source.request_stop();
  EXPECT_EQ(store_.verify({*image}, source.get_token()).error().kind, base::ErrorKind::kCancelled);
  const auto fd = base::open_path(files_.path("out"), O_WRONLY | O_CREAT, 0600);
  EXPECT_EQ(
      store_.export_archive(*image, "", ExportFormat::kOciArchive, fd->get(), source.get_token())
          .error()
          .kind,
      base::ErrorKind::kCancelled);
}

class ImageExport : public ImageVerify {
 protected:
  std::string export_to(const Image& image, const std::string& file, ExportFormat format) {
    std::string path = files_.path(file);
    const auto fd = base::open_path(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const auto done = store_.export_archive(image, "name:1", format, fd->get(), {});
    EXPECT_TRUE(done.ok()) << done.error().message;
    return path;
  }
};

TEST_F(ImageExport, ImportsToTheSameLayers) {
  for (const OciImage& wanted : {varied(), with_second_entries()}) {
    const auto image = import(wanted);
    ASSERT_TRUE(image.ok()) << image.error().message;
    for (const ExportFormat format : {ExportFormat::kOciArchive, ExportFormat::kDockerArchive}) {
      const std::string path = export_to(*image, "out.tar", format);
      const TempDir other;
      const auto store = ImageStore::open(other.fd(), usual_ownership());
      ImportOptions options = usual_options();
      options.reference = "name:1";
      const auto again = store->import_archive(path, options);
      ASSERT_TRUE(again.ok()) << again.error().message;
      EXPECT_EQ(again->diff_ids, image->diff_ids);
      EXPECT_EQ(again->config_digest, image->config_digest);
    }
  }
}

TEST_F(ImageExport, IsReproducible) {
  const auto image = import(varied());
  ASSERT_TRUE(image.ok()) << image.error().message;
  for (const ExportFormat format : {ExportFormat::kOciArchive, ExportFormat::kDockerArchive}) {
    EXPECT_EQ(content_of(export_to(*image, "one.tar", format)),
              content_of(export_to(*image, "two.tar", format)));
  }
}

TEST_F(ImageExport, DamageIsNotExported) {
  const auto image = import(varied());
  ASSERT_TRUE(image.ok()) << image.error().message;
  testing::write_file(layer(*image, 1) + "/d/a", "aaab");
  const auto fd = base::open_path(files_.path("out"), O_WRONLY | O_CREAT, 0600);
  const auto done = store_.export_archive(*image, "", ExportFormat::kOciArchive, fd->get(), {});
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().kind, base::ErrorKind::kCorrupt);
  EXPECT_THAT(done.error().message, HasSubstr("\"d/a\""));
}

}  // namespace
}  // namespace stagebox::images
