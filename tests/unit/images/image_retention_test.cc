// What is kept and for how long: retention as a pure decision, and garbage collection that acts on
// it; and what the store tells of its images.
#include "images/image_retention.h"

#include <chrono>

#include "tests/unit/images/image_fixture.h"

namespace stagebox::images {
namespace {

using std::chrono::hours;
using std::chrono::system_clock;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

base::Digest digest(const std::string& text) { return base::Sha256::of(text); }

/// Without a name, used `age` ago, with these layers of 100 bytes each.
RetainedImage image_of(const std::string& name, hours age, const std::vector<std::string>& layers) {
  RetainedImage image;
  image.manifest = digest(name);
  image.last_used = TimePoint() + hours(1000) - age;
  for (const std::string& layer : layers) image.layers[digest(layer)] = 100;
  return image;
}

Retention since(hours age) { return {TimePoint() + hours(1000) - age, {}}; }
Retention within(std::uint64_t bytes) { return {{}, bytes}; }

TEST(Retention, NothingIsForgottenUnasked) {
  EXPECT_THAT(choose_forgotten({image_of("a", hours(900), {"x"})}, {}), IsEmpty());
}

TEST(Retention, ForgetsByAge) {
  std::vector<RetainedImage> images{image_of("new", hours(1), {"x"}),
                                    image_of("old", hours(50), {"x"}),
                                    image_of("older", hours(60), {"y"})};
  EXPECT_THAT(choose_forgotten(images, since(hours(10))),
              ElementsAre(digest("older"), digest("old")));
  images[1].stays = true;
  EXPECT_THAT(choose_forgotten(images, since(hours(10))), ElementsAre(digest("older")));
}

TEST(Retention, ForgetsBySizeTheLongestUnusedFirst) {
  const std::vector<RetainedImage> images{image_of("a", hours(1), {"base", "a"}),
                                          image_of("b", hours(3), {"base", "b"}),
                                          image_of("c", hours(2), {"base", "c"})};
  EXPECT_THAT(choose_forgotten(images, within(400)), IsEmpty());  // the base counts once
  EXPECT_THAT(choose_forgotten(images, within(399)), ElementsAre(digest("b")));
  EXPECT_THAT(choose_forgotten(images, within(200)), ElementsAre(digest("b"), digest("c")));
  EXPECT_THAT(choose_forgotten(images, within(0)),
              ElementsAre(digest("b"), digest("c"), digest("a")));
}

TEST(Retention, WhatStaysIsCountedAndKept) {
  std::vector<RetainedImage> images{image_of("a", hours(9), {"base", "a"}),
                                    image_of("b", hours(3), {"base", "b"})};
  images[0].stays = true;
  EXPECT_THAT(choose_forgotten(images, within(0)), ElementsAre(digest("b")));
}

class ImageRetention : public ImageFixture {
 protected:
  base::Result<Image> import_as(const std::string& name, const std::string& content) {
    ImportOptions options = usual_options();
    if (!name.empty()) options.name = name;
    OciImage image;
    image.gzipped(small_layer().finish()).plain(TarBuilder().file("c", content).finish());
    return store_.import_archive(archive(image), options);
  }
  /// As if it had been used, or imported, that long ago.
  void age(const std::string& folder, const Image& image, hours hours_ago) {
    const auto seconds = system_clock::to_time_t(system_clock::now() - hours_ago);
    const std::array<struct timespec, 2> times{{{seconds, 0}, {seconds, 0}}};
    const std::string path = home_.path("images/" + folder + "/" + image.manifest_digest.hex());
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times.data(), 0), 0);
  }
  Retention unused_for(hours age) { return {system_clock::now() - age, {}}; }
};

TEST_F(ImageRetention, NamesAndUseKeepImages) {
  const auto named = import_as("named", "1");
  const auto used = import_as("", "2");
  const auto unused = import_as("", "3");
  ASSERT_TRUE(store_.rootfs(*used).ok());
  for (const auto& image : {named, used, unused}) age("manifests", *image, hours(48));
  auto report = store_.collect_garbage(unused_for(hours(24)));
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->images_forgotten, 1U);
  EXPECT_EQ(report->layers_removed, 1U);  // the other one is shared
  EXPECT_EQ(store_.find(unused->manifest_digest.oci()).error().kind, base::ErrorKind::kNotFound);
  EXPECT_TRUE(store_.rootfs(*named).ok());
  // What is in use stays, however long ago its use began.
  const auto rootfs = store_.rootfs(*used);
  age("used", *used, hours(48));
  EXPECT_EQ(store_.collect_garbage(unused_for(hours(24)))->images_forgotten, 0U);
  EXPECT_EQ(store_.collect_garbage({{}, 0})->images_forgotten, 0U);
}

TEST_F(ImageRetention, WhatIsUsedNoMoreGoes) {
  const auto image = import_as("", "1");
  ASSERT_TRUE(store_.rootfs(*image).ok());
  age("manifests", *image, hours(48));
  age("used", *image, hours(48));
  const auto report = store_.collect_garbage(unused_for(hours(24)));
  EXPECT_EQ(report->images_forgotten, 1U);
  EXPECT_EQ(report->layers_removed, 2U);
  EXPECT_TRUE(std::filesystem::is_empty(home_.path("images/used")));
}

TEST_F(ImageRetention, SizeIsThatOfAllLayers) {
  const auto old = import_as("", "1");
  const auto fresh = import_as("", "2");
  age("manifests", *old, hours(5));
  const std::uint64_t all = store_.details(*store_.list())[0].shared_bytes +
                            2 * store_.details(*store_.list())[0].unique_bytes;
  EXPECT_EQ(store_.collect_garbage({{}, all})->images_forgotten, 0U);
  EXPECT_EQ(store_.collect_garbage({{}, all - 1})->images_forgotten, 1U);
  EXPECT_TRUE(store_.find(fresh->manifest_digest.oci()).ok());
}

TEST_F(ImageRetention, ACollectedImageIsImportedAgainWhenItIsUsed) {
  const std::string path = archive(OciImage().gzipped(small_layer().finish()));
  auto usable = store_.use_archive(path, usual_options());
  ASSERT_TRUE(usable.ok()) << usable.error().message;
  EXPECT_EQ(store_.collect_garbage({{}, 0})->images_forgotten, 0U);  // it is leased
  usable->rootfs = {};
  EXPECT_EQ(store_.collect_garbage({{}, 0})->images_forgotten, 1U);
  usable = store_.use_archive(path, usual_options());
  ASSERT_TRUE(usable.ok()) << usable.error().message;
  EXPECT_EQ(usable->rootfs.layers.size(), 1U);
}

TEST_F(ImageRetention, DetailsTellWhatIsShared) {
  OciImage lone;
  lone.gzipped(TarBuilder().file("x", "y").finish());
  ASSERT_TRUE(import(lone).ok());
  const auto one = import_as("one", "1");
  const auto two = import_as("", "2");
  ASSERT_TRUE(store_.rootfs(*two).ok());
  const auto images = *store_.list();
  const auto details = store_.details(images);
  ASSERT_EQ(details.size(), 3U);
  for (std::size_t i = 0; i < images.size(); ++i) {
    const bool is_alone = images[i].image.diff_ids.size() == 1;
    EXPECT_EQ(details[i].shared_bytes + details[i].unique_bytes, images[i].image.size_bytes);
    EXPECT_EQ(details[i].shared_bytes == 0, is_alone);
    EXPECT_EQ(details[i].layers[0].images, is_alone ? 1U : 2U);
    EXPECT_TRUE(details[i].imported);
    const bool was_used = images[i].image.manifest_digest == two->manifest_digest;
    EXPECT_EQ(details[i].last_used.has_value(), was_used);
  }
}

TEST(ImageDetails, CreatedIsTakenOnlyWhenItLooksLikeATime) {
  EXPECT_EQ(created_in_config(R"({"created":"2026-11-24T13:05:00.5Z"})"), "2026-11-24T13:05:00.5Z");
  EXPECT_EQ(created_in_config(R"({"created":"2026-11-24T13:05:00+01:00"})"),
            "2026-11-24T13:05:00+01:00");
  for (const char* config : {"{}", R"({"created":"[2J"})", R"({"created":7})", "nothing",
                             R"({"created":"0000000000000000000000000000000000000000000"})"}) {
    EXPECT_EQ(created_in_config(config), "") << config;
  }
}

}  // namespace
}  // namespace stagebox::images
