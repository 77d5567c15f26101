// The store with layers as EROFS images: imported, used, verified, exported, repaired and collected
// as directories are, beside these, and by several at once.
#include <thread>

#include "images/layer/layer_form.h"
#include "images/layer/layer_snapshot.h"
#include "images/layer_store.h"
#include "tests/unit/images/image_fixture.h"

namespace stagebox::images {
namespace {

using ::testing::HasSubstr;

class ErofsStore : public ImageFixture {
 protected:
  void SetUp() override {
    const std::string why = erofs_store_.why_directories();
    if (!why.empty()) GTEST_SKIP() << why;
  }

  /// Its third layer can only be a directory, and the fourth has something to ask of it.
  static OciImage mixed() {
    TarBuilder bottom = small_layer();
    bottom.dir("d", 0711).file("d/a", "aaaa").file("d/b", std::string(9000, 'b'), 0755);
    bottom.symlink("link", "d/a").hardlink("hard", "d/a").file("twice", "1").file("twice", "2");
    TarBuilder second;
    second.whiteout("d", "b").file("d/new", "n").opaque("bin").file("bin/other", "o");
    return OciImage()
        .gzipped(bottom.finish())
        .zstded(second.finish())
        .gzipped(TarBuilder().dir("e", 0700).hardlink("e/copy", "d/a").finish())
        .plain(TarBuilder().file("e/f", "f").whiteout("d", "new").finish());
  }

  base::Result<Image> import_erofs(const OciImage& image) {
    return erofs_store_.import_archive(archive(image), usual_options());
  }

  static std::string seen(const ImageStore& store, const Image& image) {
    const auto rootfs = store.rootfs(image);
    if (!rootfs.ok()) return rootfs.error().message;
    std::string text;
    const auto yes = [](const std::string&) { return true; };
    for (const base::UniqueFd& layer : rootfs->layers) {
      const auto root =
          base::open_beneath(layer.get(), ".", O_RDONLY | O_DIRECTORY, base::Links::kRefuse);
      const auto walked = walk_snapshot(root->get(), {yes, yes}, [&text](SnapshotEntry entry) {
        if (entry.type == 'c') entry.mtime_seconds = entry.mtime_nanoseconds = 0;  // a whiteout
        text += encode_entry(entry) + "\n";
        return base::Result<void>();
      });
      if (!walked.ok()) return walked.error().message;
      text += "--\n";
    }
    return text;
  }

  [[nodiscard]] std::string file_of(const Image& image, std::size_t index, const char* name) const {
    const base::Digest id = chain_ids(image.diff_ids)[index];
    return erofs_home_.path("images/layers/" + layer_key(id, usual_ownership()) + "/" + name);
  }
  /// Which layers are directories.
  [[nodiscard]] std::string forms(const Image& image) const {
    std::string text;
    for (std::size_t i = 0; i < image.diff_ids.size(); ++i) {
      const bool is_directory = std::filesystem::exists(file_of(image, i, kLayerFiles));
      const bool is_erofs = std::filesystem::exists(file_of(image, i, kLayerIndex));
      EXPECT_NE(is_directory, is_erofs) << i;
      text += is_directory ? 'd' : 'e';
    }
    return text;
  }

  std::string damages(const Image& image) {
    const auto report = erofs_store_.verify({image}, {});
    if (!report.ok()) return "ERROR " + report.error().message;
    std::string text;
    for (const auto& damage : report->damages) text += damage.path + ": " + damage.what + "\n";
    return text;
  }
  void change(const std::string& path, const std::string& from, const std::string& to) {
    std::string content = content_of(path);
    const std::size_t at = content.find(from);
    ASSERT_NE(at, std::string::npos);
    testing::write_file(path, content.replace(at, from.size(), to));
  }
};

TEST_F(ErofsStore, ShowsWhatDirectoriesShow) {
  const auto directories = import(mixed());
  const auto erofs = import_erofs(mixed());
  ASSERT_TRUE(directories.ok()) << directories.error().message;
  ASSERT_TRUE(erofs.ok()) << erofs.error().message;
  EXPECT_EQ(forms(*erofs), "eede");
  EXPECT_THAT(seen(store_, *directories), HasSubstr("e/copy"));
  EXPECT_EQ(seen(erofs_store_, *erofs), seen(store_, *directories));
  EXPECT_TRUE(std::filesystem::is_empty(erofs_home_.path("images/tmp")));
}

TEST_F(ErofsStore, LayersOfBothFormsAreOneImage) {
  OciImage below = mixed();
  below.layers.resize(2);
  const auto store = ImageStore::open(erofs_home_.fd(), usual_ownership());
  ASSERT_TRUE(store->import_archive(archive(below), usual_options()).ok());
  const auto image = import_erofs(mixed());
  ASSERT_TRUE(image.ok()) << image.error().message;
  EXPECT_EQ(forms(*image), "ddde");
  // And the other way round: who makes directories uses the EROFS images that are there.
  OciImage above = mixed();
  above.plain(TarBuilder().hardlink("again", "e/f").file("e/g", "").finish());
  const auto more = store->import_archive(archive(above), usual_options());
  ASSERT_TRUE(more.ok()) << more.error().message;
  EXPECT_EQ(forms(*more), "ddded");
  EXPECT_EQ(damages(*more), "");
}

TEST_F(ErofsStore, SmallLayersAreDirectoriesWhenTheSizeDecides) {
  const auto by_size = ImageStore::open(erofs_home_.fd(), usual_ownership(),
                                        std::make_shared<DirectUnpacker>(), LayerForms::kBySize);
  // An archive of one file ends with two empty blocks and has one header.
  constexpr std::size_t kAround = std::size_t{3} * 512;
  const auto sized = [](const char* name, std::size_t bytes) {
    return TarBuilder().file(name, std::string(bytes - kAround, *name)).finish();
  };
  const OciImage image = OciImage()
                             .plain(small_layer().finish())
                             .plain(sized("a", kSmallLayerBytes))
                             .plain(sized("b", kSmallLayerBytes + 512))
                             .gzipped(sized("c", kSmallLayerBytes + 512));
  const auto imported = by_size->import_archive(archive(image), usual_options());
  ASSERT_TRUE(imported.ok()) << imported.error().message;
  EXPECT_EQ(forms(*imported), "dded");  // the last one's stored bytes are few
  EXPECT_EQ(damages(*imported), "");
  const auto directories = import(image);
  EXPECT_EQ(seen(*by_size, *imported), seen(store_, *directories));
}

// They wait for the large one, and the large one above them has work to do meanwhile.
TEST_F(ErofsStore, ManySmallLayersBetweenLargeOnes) {
  const auto by_size = ImageStore::open(erofs_home_.fd(), usual_ownership(),
                                        std::make_shared<DirectUnpacker>(), LayerForms::kBySize);
  OciImage image =
      OciImage().plain(small_layer().file("large", std::string(kSmallLayerBytes, 'l')).finish());
  constexpr int kSmall = 20;
  for (int i = 0; i < kSmall; ++i)
    image.plain(TarBuilder().file("d/" + std::to_string(i), "s").whiteout("", "large").finish());
  image.plain(TarBuilder().file("d/top", std::string(kSmallLayerBytes, 't')).finish());
  const auto imported = by_size->import_archive(archive(image), usual_options());
  ASSERT_TRUE(imported.ok()) << imported.error().message;
  EXPECT_EQ(forms(*imported), "e" + std::string(kSmall, 'd') + "e");
  EXPECT_EQ(damages(*imported), "");
  const auto directories = import(image);
  EXPECT_EQ(seen(*by_size, *imported), seen(store_, *directories));
}

TEST_F(ErofsStore, NothingHasChanged) {
  const auto image = import_erofs(mixed());
  ASSERT_TRUE(image.ok()) << image.error().message;
  EXPECT_EQ(damages(*image), "");
  const auto report = erofs_store_.verify({*image}, {});
  const auto directories = import(mixed());
  const auto expected = store_.verify({*directories}, {});
  EXPECT_EQ(report->files, expected->files);
  EXPECT_EQ(report->bytes, expected->bytes);
}

TEST_F(ErofsStore, ChangedContentIsNamed) {
  const auto image = import_erofs(mixed());
  ASSERT_TRUE(image.ok()) << image.error().message;
  const std::string path = file_of(*image, 0, kLayerArchive);
  change(path, "aaaa", "aaab");
  EXPECT_EQ(damages(*image), "d/a: its content has changed\n");
  change(path, "root:x", "root::");
  EXPECT_EQ(damages(*image), "d/a: its content has changed\netc/passwd: its content has changed\n");
}

TEST_F(ErofsStore, WhateverElseHasChangedIsFound) {
  const auto image = import_erofs(mixed());
  ASSERT_TRUE(image.ok()) << image.error().message;
  const std::string archive_path = file_of(*image, 0, kLayerArchive);
  const std::string archive_bytes = content_of(archive_path);
  change(archive_path, "ustar", "ustra");
  EXPECT_THAT(damages(*image), HasSubstr(": the archive that it came from has changed"));
  testing::write_file(archive_path, archive_bytes.substr(0, 4096));
  EXPECT_THAT(damages(*image), HasSubstr("d/b: its content is missing"));
  std::filesystem::remove(archive_path);
  EXPECT_THAT(damages(*image), HasSubstr("damaged or missing"));
  testing::write_file(archive_path, archive_bytes);
  EXPECT_EQ(damages(*image), "");

  const std::string index = file_of(*image, 0, kLayerIndex);
  const std::string index_bytes = content_of(index);
  change(index, "passwd", "passwe");
  EXPECT_EQ(damages(*image), ": the names and attributes of its files have changed\n");
  std::filesystem::remove(index);
  EXPECT_EQ(damages(*image), ": the names and attributes of its files have changed\n");
  testing::write_file(index, index_bytes);
  std::filesystem::resize_file(file_of(*image, 0, "record.zst"), 20);
  EXPECT_THAT(damages(*image), HasSubstr("damaged or missing"));
  testing::write_file(file_of(*image, 1, "layer.json"), "{");
  EXPECT_THAT(damages(*image), HasSubstr("damaged or missing"));
}

TEST_F(ErofsStore, DamagedLayersAreReplaced) {
  const auto image = import_erofs(mixed());
  ASSERT_TRUE(image.ok()) << image.error().message;
  change(file_of(*image, 0, kLayerArchive), "aaaa", "aaab");
  ImportOptions options = usual_options();
  const auto report = erofs_store_.verify({*image}, {});
  for (const auto& damage : report->damages) options.replaced.insert(damage.layer);
  {
    const auto in_use = erofs_store_.rootfs(*image);
    ASSERT_TRUE(in_use.ok());
    EXPECT_FALSE(erofs_store_.import_archive(archive(mixed()), options).ok());
  }
  ASSERT_TRUE(erofs_store_.import_archive(archive(mixed()), options).ok());
  EXPECT_EQ(damages(*image), "");
}

// As after a reboot into a kernel that cannot mount it; here the image is not one any more.
TEST_F(ErofsStore, WhatCannotBeMountedIsMadeAgain) {
  const std::string path = archive(mixed());
  const auto image = erofs_store_.import_archive(path, usual_options());
  ASSERT_TRUE(image.ok()) << image.error().message;
  const std::string before = seen(erofs_store_, *image);
  testing::write_file(file_of(*image, 1, kLayerIndex), std::string(4096, '\0'));
  EXPECT_THAT(seen(erofs_store_, *image), HasSubstr("import it again"));
  const auto again = erofs_store_.use_archive(path, usual_options());
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(seen(erofs_store_, *image), before);
}

TEST_F(ErofsStore, ExportsTheSameArchiveAsDirectories) {
  const auto erofs = import_erofs(mixed());
  const auto directories = import(mixed());
  ASSERT_TRUE(erofs.ok() && directories.ok());
  std::vector<std::string> written;
  for (const ImageStore* store : {&erofs_store_, &store_}) {
    const std::string path = files_.path("out" + std::to_string(written.size()));
    const auto fd = base::open_path(path, O_WRONLY | O_CREAT, 0600);
    const auto done =
        store->export_archive(*erofs, "name:1", ExportFormat::kOciArchive, fd->get(), {});
    ASSERT_TRUE(done.ok()) << done.error().message;
    written.push_back(content_of(path));
  }
  EXPECT_EQ(written[0], written[1]);
  change(file_of(*erofs, 0, kLayerArchive), "aaaa", "aaab");
  const auto fd = base::open_path(files_.path("bad"), O_WRONLY | O_CREAT, 0600);
  const auto done =
      erofs_store_.export_archive(*erofs, "", ExportFormat::kOciArchive, fd->get(), {});
  ASSERT_FALSE(done.ok());
  EXPECT_THAT(done.error().message, HasSubstr("\"d/a\""));
}

TEST_F(ErofsStore, IsCollectedOnlyWhenNobodyUsesIt) {
  const auto image = import_erofs(mixed());
  ASSERT_TRUE(image.ok()) << image.error().message;
  {
    const auto used = erofs_store_.rootfs(*image);
    ASSERT_TRUE(used.ok());
    ASSERT_TRUE(erofs_store_.remove(image->manifest_digest.oci()).ok());
    const auto report = erofs_store_.collect_garbage();
    ASSERT_TRUE(report.ok());
    EXPECT_EQ(report->layers_in_use, 4U);
  }
  const auto report = erofs_store_.collect_garbage();
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->layers_removed, 4U);
  EXPECT_GT(report->bytes_freed, 10'000U);
  EXPECT_TRUE(std::filesystem::is_empty(erofs_home_.path("images/layers")));
}

TEST_F(ErofsStore, TwoImportsAtOnceMakeEachLayerOnce) {
  const std::string path = archive(mixed());
  std::vector<std::string> results(4);
  std::vector<std::thread> threads;
  for (std::string& result : results) {
    threads.emplace_back([&result, &path, this] {
      const auto usable = erofs_store_.use_archive(path, usual_options());
      result = usable.ok() ? "" : usable.error().message;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(results, ::testing::Each(""));
  const std::filesystem::directory_iterator layers(erofs_home_.path("images/layers"));
  EXPECT_EQ(std::distance(begin(layers), end(layers)), 4);
}

/// Says something of the names, or writes something as the archive, that is not so.
class Liar final : public LayerUnpacker {
 public:
  explicit Liar(std::function<void(const LayerJob&, UnpackedLayer&)> lie) : lie_(std::move(lie)) {}
  base::Result<UnpackedLayer> unpack(const LayerJob& job, ParentGate& below,
                                     const std::stop_token& stop) const override {
    auto layer = DirectUnpacker().unpack(job, below, stop);
    if (layer.ok()) lie_(job, *layer);
    return layer;
  }

 private:
  std::function<void(const LayerJob&, UnpackedLayer&)> lie_;
};

TEST_F(ErofsStore, TheWordsOfWhoUnpacksAreNotTrusted) {
  const std::vector<std::function<void(const LayerJob&, UnpackedLayer&)>> lies = {
      [](const LayerJob& job, UnpackedLayer&) { (void)::pwrite(job.list_fd, "\xff\xff", 2, 0); },
      [](const LayerJob& job, UnpackedLayer&) { (void)::ftruncate(job.list_fd, 3); },
      [](const LayerJob& job, UnpackedLayer&) { (void)::ftruncate(job.list_fd, 1LL << 40U); },
      [](const LayerJob& job, UnpackedLayer&) { (void)::ftruncate(job.copy_fd, 512); },
      [](const LayerJob& job, UnpackedLayer&) { (void)::ftruncate(job.copy_fd, 1LL << 30U); },
      [](const LayerJob&, UnpackedLayer& layer) { layer.digests.tar_bytes = 0; },
      [](const LayerJob&, UnpackedLayer& layer) { layer.digests.tar_bytes = ~0ULL; }};
  for (std::size_t i = 0; i < lies.size(); ++i) {
    const auto store = ImageStore::open(erofs_home_.fd(), usual_ownership(),
                                        std::make_shared<Liar>(lies[i]), LayerForms::kErofs);
    ASSERT_TRUE(store.ok());
    EXPECT_FALSE(store->import_archive(archive(mixed()), usual_options()).ok()) << i;
    expect_nothing_stored();
  }
}

}  // namespace
}  // namespace stagebox::images
