// The two forms of a layer, made of the same archives: what the kernel shows of the EROFS image
// must be what it shows of the directory, name for name, attribute for attribute, byte for byte.
#include <sys/xattr.h>

#include <random>

#include "images/erofs_mount.h"
#include "images/layer/erofs_writer.h"
#include "images/layer/index_applier.h"
#include "images/layer/index_settler.h"
#include "images/layer/layer_applier.h"
#include "images/layer/layer_snapshot.h"
#include "tests/support/string_stream.h"
#include "tests/unit/images/image_fixture.h"

namespace stagebox::images {
namespace {

using testing::StringStream;
using testing::TarFields;

/// Every name with its attributes and the checksum of its content.
std::vector<std::string> seen(int root_fd) {
  std::vector<std::string> lines;
  const auto readable =
      base::open_beneath(root_fd, ".", O_RDONLY | O_DIRECTORY, base::Links::kRefuse);
  EXPECT_TRUE(readable.ok());
  const auto yes = [](const std::string&) { return true; };
  const auto walked = walk_snapshot(readable->get(), {yes, yes}, [&](SnapshotEntry entry) {
    if (entry.type == 'c') entry.mtime_seconds = entry.mtime_nanoseconds = 0;  // a whiteout
    lines.push_back(encode_entry(entry));
    return base::Result<void>();
  });
  EXPECT_TRUE(walked.ok()) << walked.error().message;
  return lines;
}

class ErofsLayer : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto possible = probe_erofs(files_.fd());
    if (!possible.ok()) GTEST_SKIP() << possible.error().message;
  }

  base::Result<void> as_directory(const std::string& tar) {
    const std::string name = "d" + std::to_string(next_++);
    TRY(base::make_dir_at(files_.fd(), name, 0700));
    base::UniqueFd root = TRY(base::open_path(files_.path(name), O_RDONLY | O_DIRECTORY));
    Budget budget(limits_);
    StringStream stream(tar, piece_);
    const ParentView parents(below(directories_));
    directory_stats_ = TRY(LayerApplier(root.get(), parents, ownership_, budget).apply(stream, {}));
    directories_.push_back(std::move(root));
    return {};
  }

  base::Result<void> as_erofs(const std::string& tar) {
    const base::UniqueFd archive = TRY(new_file("tar"));
    Budget budget(limits_);
    StringStream stream(tar, piece_);
    ArchiveCopy copy(stream, archive.get());
    IndexApplier applier(ownership_, budget);
    auto index = applier.apply(copy, {});
    needs_directory_ = applier.needs_directory();
    if (!index.ok()) return index.error();
    TRY(copy.finish());
    const std::string encoded = encode_index(*index);
    const auto bytes = std::as_bytes(std::span(encoded));
    LayerIndex decoded = TRY(decode_index(bytes, tar.size(), ownership_, limits_));
    EXPECT_EQ(encode_index(decoded), encoded);
    erofs_stats_ = applier.stats();
    TRY(settle_index(decoded, ParentView(below(images_)), ownership_, erofs_stats_));
    const base::UniqueFd image = TRY(new_file("erofs"));
    TRY(base::write_all(image.get(), write_erofs(decoded, tar.size())));
    images_.push_back(TRY(mount_erofs(image.get(), archive.get())));
    return {};
  }

  void expect_same(const std::string& tar) {
    const auto directory = as_directory(tar);
    ASSERT_TRUE(directory.ok()) << directory.error().message;
    const auto erofs = as_erofs(tar);
    ASSERT_TRUE(erofs.ok()) << erofs.error().message;
    EXPECT_EQ(seen(images_.back().get()), seen(directories_.back().get()));
    EXPECT_EQ(erofs_stats_.entries, directory_stats_.entries);
    EXPECT_EQ(erofs_stats_.skipped_devices, directory_stats_.skipped_devices);
    EXPECT_EQ(erofs_stats_.dropped_xattrs, directory_stats_.dropped_xattrs);
    EXPECT_EQ(erofs_stats_.hidden_links, directory_stats_.hidden_links);
    EXPECT_EQ(erofs_stats_.squashed_ids, directory_stats_.squashed_ids);
    EXPECT_EQ(erofs_stats_.replaced, directory_stats_.replaced);
  }
  void expect_same(const TarBuilder& tar) { expect_same(tar.finish()); }

  static std::vector<int> below(const std::vector<base::UniqueFd>& layers) {
    std::vector<int> fds;
    for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) fds.push_back(layer->get());
    return fds;
  }
  base::Result<base::UniqueFd> new_file(const std::string& kind) {
    return base::open_path(files_.path(kind + std::to_string(next_++)), O_RDWR | O_CREAT | O_EXCL,
                           0600);
  }

  TempDir files_;
  Limits limits_;
  LayerOwnership ownership_;
  std::vector<base::UniqueFd> directories_;
  std::vector<base::UniqueFd> images_;
  LayerStats directory_stats_;
  LayerStats erofs_stats_;
  bool needs_directory_ = false;
  std::size_t piece_ = 1UL << 20U;
  int next_ = 0;
};

TarFields named(const std::string& name, char type = '0') {
  TarFields fields;
  fields.name = name;
  fields.type = type;
  return fields;
}

TEST_F(ErofsLayer, KindsModesOwnersAndTimes) {
  TarFields owned = named("usr/bin/su");
  owned.mode = 06755;
  owned.uid = 65535;
  owned.gid = 4711;
  owned.pax = {{"mtime", "1700000000.123456789"}};
  TarFields old = named("old");
  old.pax = {{"mtime", "-5.25"}};
  TarFields fifo = named("fifo", '6');
  fifo.mode = 0620;
  TarFields root = named("./", '5');
  root.mode = 0711;
  expect_same(TarBuilder()
                  .add(root)
                  .dir("usr", 0555)
                  .dir("tmp", 01777)
                  .add(owned, "su")
                  .add(old, "old")
                  .add(fifo)
                  .file("empty", "", 0)
                  .symlink("link", "usr/bin/su")
                  .symlink("long", std::string(4000, 'x'))
                  .symlink("middle", std::string(480, 'y'))
                  .hardlink("usr/bin/other", "usr/bin/su")
                  .hardlink("link2", "link"));
}

TEST_F(ErofsLayer, ContentOfEverySizeAroundABlock) {
  TarBuilder tar;
  for (const std::size_t size : {1UL, 511UL, 512UL, 513UL, 4095UL, 4096UL, 4097UL, 70'000UL}) {
    std::string content;
    for (std::size_t i = 0; i < size; ++i) content += static_cast<char>('a' + i * i % 23);
    tar.file("f" + std::to_string(size), content);
  }
  expect_same(tar);
  // Pieces that end anywhere: the tar reader joins them, and the content is still found.
  piece_ = 1000;
  expect_same(tar);
}

TEST_F(ErofsLayer, ExtendedAttributes) {
  const std::string capability("\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\0\0\0\0\0\0\0\0",
                               20);
  TarFields tool = named("tool");
  tool.pax = {{"SCHILY.xattr.security.capability", capability},
              {"SCHILY.xattr.user.a", "1"},
              {"SCHILY.xattr.user.long", std::string(1000, 'v')},
              {"SCHILY.xattr.trusted.x", "no"},
              {"SCHILY.xattr.user.overlay.opaque", "y"}};
  TarFields directory = named("dir/", '5');
  directory.pax = {{"SCHILY.xattr.user.d", std::string("\0\xff", 2)}};
  expect_same(TarBuilder().add(tool, "x").add(directory).opaque("dir").file("dir/f", ""));
}

TEST_F(ErofsLayer, WhatAFileSystemWouldRefuseIsLeftOut) {
  TarFields tool = named("tool");
  tool.pax = {{"SCHILY.xattr.security.capability", "nonsense"}};
  expect_same(TarBuilder().add(tool, "x"));
  EXPECT_EQ(erofs_stats_.degraded_xattrs, 1U);
}

TEST_F(ErofsLayer, DirectoriesOfManyNames) {
  TarBuilder tar;
  for (int i = 0; i < 3000; ++i) tar.file("many/" + std::to_string(i * 7919), "");
  for (int i = 1; i <= 255; ++i)
    tar.file("long/" + std::string(static_cast<std::size_t>(i), 'n'), "");
  tar.file("odd/!", "1").file("odd/ ", "2").file("odd/\xff\xfe", "3").file("odd/.a", "4");
  expect_same(tar);
}

TEST_F(ErofsLayer, LaterEntriesReplaceEarlierOnes) {
  expect_same(TarBuilder()
                  .file("a", "1")
                  .file("a", "2")
                  .dir("d")
                  .file("d/x", "x")
                  .file("d", "now a file")
                  .file("e", "file")
                  .dir("e")
                  .file("e/y", "y")
                  .file("h", "h")
                  .hardlink("h2", "h")
                  .file("h", "new"));
}

TEST_F(ErofsLayer, LinksOnTheWayAreFollowedWithinTheLayer) {
  expect_same(TarBuilder()
                  .dir("usr/lib")
                  .symlink("lib", "usr/lib")
                  .file("lib/x", "x")
                  .symlink("abs", "/usr/../usr/lib/.")
                  .file("abs/y", "y")
                  .symlink("up", "../../usr")
                  .file("up/z", "z")
                  .hardlink("lib/x2", "abs/x"));
}

TEST_F(ErofsLayer, WhiteoutsAndWhatIsBelow) {
  TarFields tagged = named("implied/", '5');
  tagged.mode = 01770;
  tagged.uid = 12;
  tagged.pax = {{"SCHILY.xattr.user.t", "t"}};
  expect_same(TarBuilder()
                  .add(tagged)
                  .file("implied/old", "")
                  .dir("d")
                  .file("d/a", "")
                  .file("d/b", "")
                  .file("o/x", "")
                  .symlink("link", "d")
                  .file("gone", "")
                  .dir("deep/er/est", 0700));
  expect_same(TarBuilder()
                  .file("implied/new", "")
                  .whiteout("d", "a")
                  .whiteout("d", "nothing")
                  .whiteout("nowhere/at/all", "x")
                  .whiteout("deep/er", "est")
                  .whiteout("", "gone")
                  .opaque("o")
                  .file("o/y", "")
                  .whiteout("o", "x")
                  .file("link/x", ""));
  expect_same(TarBuilder().dir("d").whiteout("", "d").whiteout("o", "y"));
}

TEST_F(ErofsLayer, OpaqueRoot) {
  expect_same(TarBuilder().file("a", "").file("d/x", "").file("f", "").dir("e"));
  expect_same(
      TarBuilder().opaque("").file("d/y", "").file("f", "").whiteout("d", "x").whiteout("e", "q"));
}

TEST_F(ErofsLayer, WhatNeedsADirectoryIsTold) {
  expect_same(TarBuilder().file("below", "b"));
  EXPECT_FALSE(as_erofs(TarBuilder().hardlink("copy", "below").finish()).ok());
  EXPECT_TRUE(needs_directory_);
  EXPECT_FALSE(as_erofs(TarBuilder().file("f", "").file("f/x", "").finish()).ok());
  EXPECT_FALSE(needs_directory_);
}

TEST_F(ErofsLayer, ManyRandomLayers) {
  std::mt19937 random(4711);
  const auto pick = [&random](std::size_t count) { return random() % count; };
  const auto name = [&] {
    std::string path;
    for (std::size_t i = 0; i <= pick(3); ++i) {
      path += (path.empty() ? "" : "/") + std::string(1, static_cast<char>('a' + pick(4)));
    }
    return path;
  };
  const auto parent_and_name = [&] {
    const std::string path = name();
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? std::pair<std::string, std::string>("", path)
                                      : std::pair(path.substr(0, slash), path.substr(slash + 1));
  };
  int compared = 0;
  for (int round = 0; round < 300; ++round) {
    TarBuilder tar;
    for (std::size_t i = 0; i <= pick(12); ++i) {
      const auto [parent, last] = parent_and_name();
      switch (pick(8)) {
        case 0:
        case 1:
          tar.file(name(), std::string(pick(1500), 'x'), static_cast<std::uint32_t>(pick(01000)));
          break;
        case 2:
        case 3:
          tar.dir(name(), 0700 + static_cast<std::uint32_t>(pick(0100)));
          break;
        case 4:
          tar.symlink(name(), pick(2) == 0 ? name() : "/" + name());
          break;
        case 5:
          tar.hardlink(name(), name());
          break;
        case 6:
          tar.whiteout(parent, last);
          break;
        default:
          pick(8) == 0 ? tar.opaque("") : tar.opaque(name());
      }
    }
    const std::string bytes = tar.finish();
    const std::size_t layers = directories_.size();
    const auto directory = as_directory(bytes);
    const auto erofs = as_erofs(bytes);
    if (needs_directory_) {
      if (directories_.size() > layers) directories_.pop_back();
      continue;
    }
    ASSERT_EQ(directory.ok(), erofs.ok())
        << round << (directory.ok() ? erofs : directory).error().message;
    if (!directory.ok()) continue;
    ASSERT_EQ(seen(images_.back().get()), seen(directories_.back().get())) << round;
    ++compared;
    if (images_.size() == 4) {
      images_.clear();
      directories_.clear();
    }
  }
  EXPECT_GT(compared, 60);
}

}  // namespace
}  // namespace stagebox::images
