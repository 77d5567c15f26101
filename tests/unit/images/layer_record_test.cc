// The record of a layer's archive: its encoding, and that the archive comes out of it byte for byte
// whatever the archive is like.
#include "images/layer/layer_record.h"

#include <fcntl.h>

#include "images/image_store.h"
#include "images/layer/layer_recorder.h"
#include "images/layer_store.h"
#include "images/layer_tar.h"
#include "tests/support/string_stream.h"
#include "tests/unit/images/image_fixture.h"

namespace stagebox::images {
namespace {

using testing::StringStream;

std::string all_of(ByteStream& stream) {
  std::string text;
  for (;;) {
    const auto piece = stream.next();
    if (!piece.ok()) return "ERROR " + piece.error().message;
    if (piece->empty()) return text;
    text.append(reinterpret_cast<const char*>(piece->data()), piece->size());
  }
}

std::vector<RecordPiece> some_pieces() {
  RecordPiece raw;
  raw.kind = RecordPiece::Kind::kRaw;
  raw.raw = std::string("a\0b", 3);
  RecordPiece file;
  file.kind = RecordPiece::Kind::kFile;
  file.path = "usr/\xff";
  file.file_offset = 1ULL << 40U;
  file.length = 300;
  file.crc = 0xfedcba9876543210U;
  RecordPiece end;
  end.length = 303;
  return {raw, file, end};
}

TEST(LayerRecordTest, DecodesWhatWasEncoded) {
  std::string text;
  for (const RecordPiece& piece : some_pieces()) text += encode_piece(piece);
  for (const std::size_t size : {1U, 2U, 7U, 1000U}) {
    StringStream stream(text, size);
    RecordDecoder decoder(stream);
    for (const RecordPiece& piece : some_pieces()) {
      const auto decoded = decoder.next();
      ASSERT_TRUE(decoded.ok()) << decoded.error().message;
      EXPECT_EQ(*decoded, piece);
    }
  }
}

TEST(LayerRecordTest, EveryTruncationIsAnError) {
  const std::string text = encode_piece(some_pieces()[1]);
  for (std::size_t size = 0; size < text.size(); ++size) {
    StringStream stream(text.substr(0, size), 5);
    EXPECT_FALSE(RecordDecoder(stream).next().ok()) << size;
  }
}

TEST(LayerRecordTest, RefusesWhatItDoesNotWrite) {
  const std::string huge = "R\xff\xff\xff\xff\x0f";
  const std::string endless = "E" + std::string(11, '\xff');
  for (const std::string& text : {std::string("X"), huge, endless}) {
    StringStream stream(text + std::string(100, 'x'), 50);
    const auto piece = RecordDecoder(stream).next();
    ASSERT_FALSE(piece.ok()) << text;
    EXPECT_EQ(piece.error().kind, base::ErrorKind::kCorrupt);
  }
}

class LayerTarTest : public ImageFixture {
 protected:
  static TarBuilder varied() {
    TarBuilder tar = small_layer();
    std::string random;
    for (unsigned i = 0; i < 700'001; ++i) random += static_cast<char>(i * i >> 7U);
    tar.file("big", random).file("empty", "").hardlink("other", "big").symlink("link", "big");
    tar.file(std::string(90, 'd') + "/" + std::string(120, 'n'), "long").file("n\xff\n", "odd");
    tar.whiteout("etc", "gone").opaque("bin").file("last", "l");
    return tar;
  }

  /// Applies the layer from pieces of that size and puts its archive together again.
  std::string through_a_record(const std::string& tar, std::size_t piece) {
    const TempDir dir;
    EXPECT_TRUE(base::make_dir_at(dir.fd(), "fs", 0700).ok());
    const auto root = base::open_path(dir.path("fs"), O_RDONLY | O_DIRECTORY);
    const auto record = base::open_path(dir.path(kLayerRecordName), O_WRONLY | O_CREAT, 0600);
    StringStream stream(tar, piece);
    LayerRecorder recorder(stream, record->get());
    const ParentView nothing;
    const LayerOwnership ownership = usual_ownership();
    Budget budget{Limits{}};
    const auto stats =
        LayerApplier(root->get(), nothing, ownership, budget).apply_recorded(recorder, {});
    EXPECT_TRUE(stats.ok()) << stats.error().message;
    const auto done = recorder.finish();
    EXPECT_TRUE(done.ok());
    EXPECT_FALSE(recorder.has_losses());
    record_bytes_ = std::filesystem::file_size(dir.path(kLayerRecordName));
    const auto again = LayerTar::open(dir.fd());
    return again.ok() ? all_of(**again) : "ERROR " + again.error().message;
  }

  std::unique_ptr<LayerTar> open_tar(const Image& image, std::size_t index) {
    const std::string key = layer_key(chain_ids(image.diff_ids)[index], usual_ownership());
    const auto dir = base::open_path(home_.path("images/layers/" + key), O_RDONLY | O_DIRECTORY);
    auto tar = LayerTar::open(dir->get());
    EXPECT_TRUE(tar.ok()) << tar.error().message;
    return std::move(*tar);
  }

  /// Every layer of the image comes out as it went in.
  void expect_restored(const OciImage& image) {
    const auto stored = import(image);
    ASSERT_TRUE(stored.ok()) << stored.error().message;
    for (std::size_t i = 0; i < image.layers.size(); ++i) {
      const auto tar = open_tar(*stored, i);
      EXPECT_EQ(all_of(*tar), image.layers[i].tar) << "layer " << i;
      EXPECT_TRUE(tar->damages().empty());
    }
  }

  std::uintmax_t record_bytes_ = 0;
};

TEST_F(LayerTarTest, WhateverThePiecesAre) {
  const std::string tar = varied().finish();
  for (const std::size_t piece : {1U, 100U, 512U, 513U, 10'000U, 1'000'000U}) {
    EXPECT_EQ(through_a_record(tar, piece), tar) << piece;
    EXPECT_LT(record_bytes_, 20'000U) << "contents are in the record too";
  }
}

TEST_F(LayerTarTest, BytesBehindTheEnd) {
  const std::string tar = varied().finish() + std::string(20'000, '\0') + "behind";
  EXPECT_EQ(through_a_record(tar, 4096), tar);
}

TEST_F(LayerTarTest, HardLinksAcrossLayers) {
  expect_restored(OciImage()
                      .gzipped(varied().finish())
                      .zstded(TarBuilder().hardlink("mine", "big").file("x", "y").finish()));
}

TEST_F(LayerTarTest, SecondEntriesOfAName) {
  TarBuilder tar;
  tar.file("a", "first").file("a", "second").dir("d").file("d/x", "in d").file("d", "no directory");
  tar.file("kept", "by its other name").hardlink("h", "kept").file("kept", "new");
  expect_restored(OciImage().gzipped(tar.finish()));
}

TEST_F(LayerTarTest, ContentThatIsNotStored) {
  TarBuilder tar;
  testing::TarFields device;
  device.name = "null";
  device.type = '3';
  tar.add(device).file("etc/.wh.gone", "a whiteout with content").file("b", "b");
  expect_restored(OciImage().gzipped(tar.finish()));
}

TEST_F(LayerTarTest, NamesWhatHasChanged) {
  const auto stored = import(OciImage().gzipped(varied().finish()));
  ASSERT_TRUE(stored.ok());
  const std::string root = layer(*stored, 0);
  testing::write_file(root + "/etc/passwd", "root:x:0:0::/:/bin/sH\n");
  std::filesystem::remove(root + "/last");
  std::filesystem::remove(root + "/n\xff\n");
  std::filesystem::create_directory(root + "/n\xff\n");
  const auto tar = open_tar(*stored, 0);
  EXPECT_EQ(all_of(*tar).size(), varied().finish().size());
  std::string all;
  for (const LayerDamage& damage : tar->damages()) all += damage.path + ": " + damage.what + "\n";
  EXPECT_EQ(all,
            "etc/passwd: its content has changed\n"
            "n\xff\n: it is not a file any more\n"
            "last: it is missing\n");
}

}  // namespace
}  // namespace stagebox::images
