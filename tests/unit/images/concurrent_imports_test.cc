// Several imports at once, and garbage collection during one: who waits for whom, and that nothing
// is missing afterwards. An unpacker that can be held up makes the order certain.
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "images/layer/layer_unpacker.h"
#include "tests/unit/images/image_fixture.h"

namespace stagebox::images {
namespace {

/// Unpacks, but a layer of the diff id that is held only when it is let go. Counts.
class HeldUnpacker final : public LayerUnpacker {
 public:
  explicit HeldUnpacker(base::Digest held) : held_(held) {}

  base::Result<UnpackedLayer> unpack(const LayerJob& job, ParentGate& below,
                                     const std::stop_token& stop) const override {
    {
      std::unique_lock lock(mutex_);
      ++started_[job.source.diff_id];
      changed_.notify_all();
      if (job.source.diff_id == held_) changed_.wait(lock, [this] { return !is_held_; });
    }
    return direct_.unpack(job, below, stop);
  }
  void let_go() {
    const std::scoped_lock lock(mutex_);
    is_held_ = false;
    changed_.notify_all();
  }
  void await_start_of_held() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return started_.contains(held_); });
  }
  int started(const base::Digest& diff_id) {
    const std::scoped_lock lock(mutex_);
    return started_[diff_id];
  }

 private:
  DirectUnpacker direct_;
  base::Digest held_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  mutable std::map<base::Digest, int> started_;
  bool is_held_ = true;
};

class ConcurrentImports : public ImageFixture {
 protected:
  static std::string base_tar() { return small_layer().finish(); }
  static std::string tar_of(const std::string& content) {
    return TarBuilder().file("content", content).finish();
  }
  static OciImage image(const std::string& content) {
    return OciImage().gzipped(base_tar()).zstded(tar_of(content));
  }

  /// An import on a thread of its own by a store of its own.
  struct Import {
    Import(const ConcurrentImports& test, const std::shared_ptr<HeldUnpacker>& unpacker,
           const std::string& path)
        : thread([this, &test, unpacker, path] {
            const auto store = ImageStore::open(test.home_.fd(), usual_ownership(), unpacker);
            ImportOptions options = usual_options();
            options.progress = &progress;
            result = store->import_archive(path, options);
          }) {}
    const base::Result<Image>& finish() {
      thread.join();
      return result;
    }
    void await(ImportProgress::Phase phase) const {
      while (progress.phase != phase) std::this_thread::yield();
    }

    ImportProgress progress;
    base::Result<Image> result = base::invalid("not done");
    std::thread thread;
  };

  std::shared_ptr<HeldUnpacker> held_ =
      std::make_shared<HeldUnpacker>(base::Sha256::of(base_tar()));
};

TEST_F(ConcurrentImports, OfDifferentImagesDoNotWait) {
  Import one(*this, held_, archive(image("1"), "one.tar"));
  held_->await_start_of_held();
  const auto other = store_.import_archive(
      archive(OciImage().gzipped(tar_of("other")), "other.tar"), usual_options());
  ASSERT_TRUE(other.ok()) << other.error().message;
  held_->let_go();
  ASSERT_TRUE(one.finish().ok()) << one.result.error().message;
  EXPECT_TRUE(store_.rootfs(*one.result).ok());
  EXPECT_TRUE(store_.rootfs(*other).ok());
}

TEST_F(ConcurrentImports, MakeASharedLayerOnce) {
  Import one(*this, held_, archive(image("1"), "one.tar"));
  held_->await_start_of_held();
  Import two(*this, held_, archive(image("2"), "two.tar"));
  Import same(*this, held_, archive(image("1"), "same.tar"));
  two.await(ImportProgress::Phase::kWaiting);
  same.await(ImportProgress::Phase::kWaiting);
  held_->let_go();
  for (Import* import : {&one, &two, &same}) {
    ASSERT_TRUE(import->finish().ok()) << import->result.error().message;
    EXPECT_TRUE(store_.rootfs(*import->result).ok());
  }
  EXPECT_EQ(held_->started(base::Sha256::of(base_tar())), 1);
  EXPECT_EQ(held_->started(base::Sha256::of(tar_of("1"))), 1);
  EXPECT_EQ(held_->started(base::Sha256::of(tar_of("2"))), 1);
}

TEST_F(ConcurrentImports, WhoWaitsCanBeInterrupted) {
  Import one(*this, held_, archive(image("1"), "one.tar"));
  held_->await_start_of_held();
  std::stop_source source;
  ImportProgress progress;
  ImportOptions options = usual_options();
  options.stop = source.get_token();
  options.progress = &progress;
  base::Result<Image> result = base::invalid("not done");
  const std::string path = archive(image("2"), "two.tar");
  std::thread waiting([&] { result = store_.import_archive(path, options); });
  while (progress.phase != ImportProgress::Phase::kWaiting) std::this_thread::yield();
  source.request_stop();
  waiting.join();
  EXPECT_EQ(result.error().kind, base::ErrorKind::kCancelled);
  held_->let_go();
  EXPECT_TRUE(one.finish().ok());
}

TEST_F(ConcurrentImports, GarbageIsCollectedMeanwhile) {
  // The base is in the store, and of no image: only the import that goes on needs it.
  const auto before = import(image("0"));
  ASSERT_TRUE(before.ok());
  ASSERT_TRUE(store_.remove(before->manifest_digest.hex()).ok());
  held_ = std::make_shared<HeldUnpacker>(base::Sha256::of(tar_of("1")));
  Import one(*this, held_, archive(image("1"), "one.tar"));
  held_->await_start_of_held();
  const auto report = store_.collect_garbage();
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->layers_removed, 1U);  // the upper one of the image that was removed
  EXPECT_EQ(report->layers_in_use, 1U);
  EXPECT_EQ(report->leftovers_removed, 0U);
  held_->let_go();
  ASSERT_TRUE(one.finish().ok()) << one.result.error().message;
  EXPECT_TRUE(store_.rootfs(*one.result).ok());
}

// Only what nobody holds the lock of is taken for a dead import's.
TEST_F(ConcurrentImports, TheDeadAreToldFromTheLiving) {
  Import one(*this, held_, archive(image("1"), "one.tar"));
  held_->await_start_of_held();
  std::filesystem::create_directories(home_.path("images/tmp/dead/0/fs"));
  testing::write_file(home_.path("images/tmp/dead/lock"), "");
  const auto report = store_.collect_garbage();
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->leftovers_removed, 1U);
  EXPECT_FALSE(std::filesystem::exists(home_.path("images/tmp/dead")));
  held_->let_go();
  ASSERT_TRUE(one.finish().ok()) << one.result.error().message;
  EXPECT_TRUE(std::filesystem::is_empty(home_.path("images/tmp")));
}

}  // namespace
}  // namespace stagebox::images
