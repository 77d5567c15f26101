// Which image and which platform of several is taken.
#include "images/archive/image_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stagebox::images {
namespace {

using ::testing::HasSubstr;

TEST(ImageChoice, ShortNamesMeanFullOnes) {
  EXPECT_TRUE(reference_means("debian", "docker.io/library/debian:latest"));
  EXPECT_TRUE(reference_means("debian:12", "library/debian:12"));
  EXPECT_TRUE(reference_means("localhost/x", "localhost/x:latest"));
  EXPECT_TRUE(reference_means("x/y:1", "localhost/x/y:1"));
  EXPECT_TRUE(reference_means("built", "localhost/built:latest"));
  EXPECT_FALSE(reference_means("built:2", "localhost/built:1"));
  EXPECT_FALSE(reference_means("quay.io/built", "localhost/built:latest"));
  EXPECT_TRUE(reference_means("1.0", "1.0"));
  EXPECT_TRUE(reference_means("quay.io:443/a/b:c", "quay.io:443/a/b:c"));
  EXPECT_FALSE(reference_means("debian", "docker.io/library/debian:12"));
  EXPECT_FALSE(reference_means("debian", "docker.io/other/debian:latest"));
  EXPECT_FALSE(reference_means("debian", "quay.io/library/debian:latest"));
  EXPECT_FALSE(reference_means("", ""));
}

std::vector<Choice> two() {
  return {{{"docker.io/library/a:1", "a"}, {base::Sha256::of("a")}, 0},
          {{}, {base::Sha256::of("b"), base::Sha256::of("c")}, 3}};
}

TEST(ImageChoice, ByNameDigestOrPosition) {
  Selection selection;
  for (const std::string& reference :
       {base::Sha256::of("c").oci(), std::string("@3"), base::Sha256::of("b").oci()}) {
    selection.reference = reference;
    const auto chosen = choose_image(two(), selection);
    ASSERT_TRUE(chosen.ok()) << chosen.error().message;
    EXPECT_EQ(*chosen, 1U);
  }
  selection.reference = "a:1";
  EXPECT_EQ(choose_image(two(), selection).value(), 0U);
  selection.reference.reset();
  selection.pinned = base::Sha256::of("c");
  EXPECT_EQ(choose_image(two(), selection).value(), 1U);
}

TEST(ImageChoice, OneNeedsNoName) { EXPECT_EQ(choose_image({two()[1]}, Selection{}).value(), 0U); }

TEST(ImageChoice, TellsWhatThereIs) {
  const auto several = choose_image(two(), Selection{});
  ASSERT_FALSE(several.ok());
  EXPECT_THAT(several.error().message, HasSubstr("--ref"));
  EXPECT_THAT(several.error().message, HasSubstr("\"docker.io/library/a:1\" = \"a\""));
  EXPECT_THAT(several.error().message, HasSubstr(base::Sha256::of("b").oci()));
  Selection selection;
  selection.reference = "x";
  const auto none = choose_image(two(), selection);
  ASSERT_FALSE(none.ok());
  EXPECT_THAT(none.error().message, HasSubstr("no image \"x\""));
  EXPECT_THAT(none.error().message, HasSubstr("library/a:1"));
}

TEST(PlatformTest, ParsesWhatItDisplays) {
  for (const char* text : {"linux/amd64", "linux/arm/v7"}) {
    const auto platform = Platform::parse(text);
    ASSERT_TRUE(platform.ok());
    EXPECT_EQ(platform->display(), text);
  }
  EXPECT_EQ(Platform::parse("linux/aarch64")->architecture, "arm64");
  for (const char* text : {"", "linux", "linux/", "/amd64", "a/b/c/d", "linux/arm/"}) {
    EXPECT_FALSE(Platform::parse(text).ok()) << text;
  }
}

TEST(PlatformTest, LowerVariantsRunOnHigherOnes) {
  const Platform v7{"linux", "arm", "v7"};
  EXPECT_TRUE(v7.accepts({"linux", "arm", "v6"}));
  EXPECT_FALSE(v7.accepts({"linux", "arm", "v8"}));
  EXPECT_FALSE(v7.accepts({"linux", "arm64", ""}));
  EXPECT_GT(v7.rank({"linux", "arm", "v7"}), v7.rank({"linux", "arm", "v6"}));
  EXPECT_GT(v7.rank({"linux", "arm", "v6"}), v7.rank({"linux", "arm", "v5"}));
  const Platform amd64{"linux", "amd64", ""};
  EXPECT_TRUE(amd64.accepts({"linux", "x86_64", "v1"}));
  EXPECT_GT(amd64.rank({"linux", "amd64", "v1"}), amd64.rank({"linux", "amd64", "v3"}));
  EXPECT_FALSE((Platform{"linux", "amd64", "v2"}.accepts({"linux", "amd64", "v3"})));
  EXPECT_TRUE((Platform{"linux", "arm64", ""}.accepts({"linux", "arm64", "v8"})));
}

}  // namespace
}  // namespace stagebox::images
