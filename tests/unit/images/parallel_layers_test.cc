// Layers side by side: whatever the order in which they get done, the result is that of one after
// the other.
#include <condition_variable>
#include <mutex>
#include <thread>

#include "images/layer/layer_unpacker.h"
#include "images/layer_store.h"
#include "tests/unit/images/image_fixture.h"

namespace stagebox::images {
namespace {

// One layer after the other: each waits for those below before it begins.
class OneByOne final : public LayerUnpacker {
 public:
  base::Result<UnpackedLayer> unpack(const LayerJob& job, ParentGate& below,
                                     const std::stop_token& stop) const override {
    TRY(below.wait());
    return direct_.unpack(job, below, stop);
  }

 private:
  DirectUnpacker direct_;
};

// The layer at the bottom is not begun before `others` layers above it wait for it or are done: the
// worst order that there can be.
class BottomLast final : public LayerUnpacker {
 public:
  explicit BottomLast(int others) : others_(others) {}
  base::Result<UnpackedLayer> unpack(const LayerJob& job, ParentGate& below,
                                     const std::stop_token& stop) const override {
    if (job.parents.empty()) wait_for_others();
    CountingGate gate(*this, below);
    auto layer = direct_.unpack(job, gate, stop);
    if (!gate.counted) count();
    return layer;
  }

 private:
  struct CountingGate final : ParentGate {
    CountingGate(const BottomLast& the_owner, ParentGate& the_gate)
        : owner(the_owner), gate(the_gate) {}
    base::Result<void> wait() override {
      if (!counted) owner.count();
      counted = true;
      return gate.wait();
    }
    const BottomLast& owner;
    ParentGate& gate;
    bool counted = false;
  };

  void count() const {
    const std::scoped_lock lock(mutex_);
    ++arrived_;
    changed_.notify_all();
  }
  void wait_for_others() const {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return arrived_ >= others_; });
  }

  DirectUnpacker direct_;
  int others_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  mutable int arrived_ = 0;
};

// Each layer has something to ask of those below.
OciImage entangled_image() {
  OciImage image;
  TarBuilder bottom;
  bottom.dir("usr", 0750).dir("usr/lib", 0711).file("usr/lib/a", "a of 1", 0640);
  bottom.file("usr/lib/b", "b of 1").dir("etc").file("etc/gone", "x").symlink("lib", "usr/lib");
  image.gzipped(bottom.finish());
  // Implied directories, a hard link to a file below and one through a link below.
  image.gzipped(TarBuilder().file("usr/lib/c", "c of 2").hardlink("copy", "usr/lib/a").finish());
  image.zstded(TarBuilder().whiteout("etc", "gone").hardlink("copy2", "copy").finish());
  image.gzipped(TarBuilder().opaque("usr/lib").file("usr/lib/d", "d of 4").finish());
  image.plain(TarBuilder().whiteout("", "etc").whiteout("usr/lib", "a").finish());
  image.gzipped(TarBuilder().file("usr/lib/e", "e of 6").hardlink("copy3", "copy2").finish());
  image.gzipped(TarBuilder().opaque(".").file("last", "of 7").finish());
  return image;
}

class ParallelLayersTest : public ImageFixture {
 protected:
  // What the layers look like in a store of their own.
  std::string imported_by(std::shared_ptr<const LayerUnpacker> unpacker) {
    const TempDir home;
    const auto store = ImageStore::open(home.fd(), usual_ownership(), std::move(unpacker));
    if (!store.ok()) return store.error().message;
    const auto image = store->import_archive(archive(entangled_image()), usual_options());
    if (!image.ok()) return image.error().message;
    std::string all;
    for (const base::Digest& id : chain_ids(image->diff_ids)) {
      const std::string path =
          home.path("images/layers/" + layer_key(id, usual_ownership()) + "/fs");
      std::string tree = describe_tree(path);
      for (std::size_t at = tree.find(path); at != std::string::npos; at = tree.find(path, at)) {
        tree.replace(at, path.size(), "");
      }
      all += tree + "--\n";
    }
    return all;
  }
};

TEST_F(ParallelLayersTest, EqualThoseOneByOne) {
  const std::string expected = imported_by(std::make_shared<OneByOne>());
  ASSERT_THAT(expected, ::testing::HasSubstr("d of 4"));
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(imported_by(std::make_shared<DirectUnpacker>()), expected);
  }
}

TEST_F(ParallelLayersTest, EqualThemWhenTheBottomComesLast) {
  if (std::thread::hardware_concurrency() < 2) GTEST_SKIP() << "one processor: one layer at a time";
  const std::string expected = imported_by(std::make_shared<OneByOne>());
  // All the layers that may be started beside a single running one.
  for (const int others : {1, 2, 4}) {
    EXPECT_EQ(imported_by(std::make_shared<BottomLast>(others)), expected) << others;
  }
}

TEST_F(ParallelLayersTest, OneFailureStopsTheOthers) {
  OciImage image = entangled_image();
  image.layers[3].diff_id = testing::digest_of("something else");
  expect_refused(image, "layer 4 of 7");
  image = entangled_image();
  image.layers[0].blob[image.layers[0].blob.size() / 2] ^= 1;
  const std::string path = archive(image);
  // Those above wait for the bottom, which never gets done.
  expect_refused(path, "layer 1 of 7");
}

TEST_F(ParallelLayersTest, LimitsHoldForAllLayersTogether) {
  ImportOptions options = usual_options();
  options.limits.entries = 12;  // no layer alone has as many
  const auto image = store_.import_archive(archive(entangled_image()), options);
  ASSERT_FALSE(image.ok());
  EXPECT_THAT(image.error().message, ::testing::HasSubstr("more than 12 files and directories"));
  expect_nothing_stored();
}

}  // namespace
}  // namespace stagebox::images
