// The layers as the kernel's overlay shows them: whether our form is the one it reads.
#include <sched.h>
#include <sys/mount.h>

#include "tests/unit/images/image_fixture.h"

namespace stagebox::images {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class OverlayForm : public ImageFixture {
 protected:
  void SetUp() override {
    if (!is_root()) GTEST_SKIP() << "mounting an overlay in a fresh mount namespace needs root";
    ASSERT_EQ(::unshare(CLONE_NEWNS), 0) << strerrordesc_np(errno);
    ASSERT_EQ(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
    std::filesystem::create_directory(files_.path("merged"));
  }
  void TearDown() override { (void)::umount2(files_.path("merged").c_str(), MNT_DETACH); }

  void mount(const OciImage& oci) {
    const auto stored = import(oci);
    ASSERT_TRUE(stored.ok()) << stored.error().message;
    std::string lower = "lowerdir=";
    for (std::size_t i = 0; i < stored->diff_ids.size(); ++i) {
      lower += (i == 0 ? "" : ":") + layer(*stored, i);
    }
    const std::string options = lower + ",userxattr";
    ASSERT_EQ(
        ::mount("overlay", files_.path("merged").c_str(), "overlay", MS_RDONLY, options.c_str()), 0)
        << strerrordesc_np(errno);
  }
  [[nodiscard]] std::vector<std::string> names(const std::string& directory) const {
    const auto fd = base::open_path(files_.path("merged/" + directory), O_RDONLY | O_DIRECTORY);
    return fd.ok() ? *base::list_dir(fd->get()) : std::vector<std::string>{"ERROR"};
  }
};

TEST_F(OverlayForm, WhiteoutsAndOpaqueDirectories) {
  OciImage image;
  image.plain(TarBuilder()
                  .file("d/a", "1")
                  .file("d/b", "1")
                  .file("o/x", "1")
                  .file("o/sub/y", "1")
                  .file("gone/x", "1")
                  .file("back/old", "1")
                  .finish());
  image.gzipped(TarBuilder()
                    .whiteout("d", "a")
                    .file("o/new", "2")
                    .file("o/sub/z", "2")
                    .whiteout("o/sub", "y")
                    .opaque("o")
                    .whiteout("", "gone")
                    .whiteout("", "back")
                    .file("back/new", "2")
                    .whiteout("fresh", "nothing")
                    .file("fresh/f", "2")
                    .finish());
  image.zstded(TarBuilder().whiteout("o/sub", "z").file("d/a", "3").finish());
  mount(image);
  EXPECT_THAT(names("."), ElementsAre("back", "d", "fresh", "o"));
  EXPECT_THAT(names("d"), ElementsAre("a", "b"));
  EXPECT_THAT(names("o"), ElementsAre("new", "sub"));
  EXPECT_THAT(names("o/sub"), ElementsAre());
  EXPECT_THAT(names("back"), ElementsAre("new"));
  EXPECT_THAT(names("fresh"), ElementsAre("f"));
  EXPECT_EQ(content_of(files_.path("merged/d/a")), "3");
}

TEST_F(OverlayForm, OpaqueRoot) {
  OciImage image;
  image.plain(TarBuilder().file("a", "1").file("d/x", "1").finish());
  image.plain(TarBuilder().opaque("").file("d/y", "2").finish());
  mount(image);
  EXPECT_THAT(names("."), ElementsAre("d"));
  EXPECT_THAT(names("d"), ElementsAre("y"));
}

TEST_F(OverlayForm, ImpliedDirectoriesAndHardLinks) {
  OciImage image;
  image.plain(TarBuilder().dir("tmp", 01777).file("bin/tool", "tool", 04755).finish());
  image.plain(TarBuilder().file("tmp/x", "").hardlink("tmp/tool", "bin/tool").finish());
  mount(image);
  EXPECT_EQ(status_of(files_.path("merged/tmp"))->st_mode & 07777U, 01777U);
  EXPECT_EQ(status_of(files_.path("merged/tmp/tool"))->st_mode & 07777U, 04755U);
  EXPECT_EQ(content_of(files_.path("merged/tmp/tool")), "tool");
}

TEST_F(OverlayForm, FullDiskIsToldAndNothingIsLeft) {
  const TempDir home;
  ASSERT_EQ(::mount("tmpfs", home.path().c_str(), "tmpfs", 0, "size=1m"), 0);
  const auto fd = base::open_path(home.path(), O_RDONLY | O_DIRECTORY);
  const auto store = ImageStore::open(fd->get(), usual_ownership());
  ASSERT_TRUE(store.ok());
  const OciImage image =
      OciImage().plain(TarBuilder().file("big", std::string(3UL << 20U, 'x')).finish());
  const auto stored = store->import_archive(archive(image), usual_options());
  ASSERT_FALSE(stored.ok());
  EXPECT_EQ(stored.error().kind, base::ErrorKind::kSystem);
  EXPECT_EQ(stored.error().errno_value, ENOSPC);
  EXPECT_THAT(stored.error().message, HasSubstr("stagebox gc"));
  for (const char* name : {"layers", "manifests", "tmp"}) {
    EXPECT_TRUE(std::filesystem::is_empty(home.path("images/" + std::string(name))));
  }
  (void)::umount2(home.path().c_str(), MNT_DETACH);
}

}  // namespace
}  // namespace stagebox::images
