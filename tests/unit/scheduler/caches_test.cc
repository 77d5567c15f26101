// The `caches` of a stage as the pipeline has them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/file/parse_pipeline.h"

namespace stagebox::scheduler {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

KeyPart text(std::string value) { return {std::move(value), {}}; }
KeyPart hash(std::vector<std::string> patterns) { return {"", std::move(patterns)}; }

TEST(Caches, HaveKeysOfTextAndHashes) {
  const auto parsed = parse_pipeline("f", R"(stagebox: 1
params: {v: {default: "2"}}
images: {a: {name: a}}
stages:
  s:
    matrix: {os: [old, new]}
    image: a
    env: {E: e}
    run: x
    inputs: {src: {path: .}}
    caches:
      - {path: ./.npm//x, key: "${{ matrix.os }}-${{ params.v }}-${{ hash(src/a, '!b') }}-${{ env.E }}",
         restore: ["${{ matrix.os }}-${{ hash(src/c) }}", "${{ run.trust }}"], max_size: 2MiB}
      - {path: target, key: plain}
)");
  ASSERT_TRUE(std::holds_alternative<Pipeline>(parsed)) << std::get<Diagnostics>(parsed).render();
  const Stage& stage = std::get<Pipeline>(parsed).stages.at(1);
  ASSERT_EQ(stage.caches.size(), 2U);
  const Cache& npm = stage.caches[0];
  EXPECT_EQ(npm.path.str(), ".npm/x");
  EXPECT_THAT(npm.key, ElementsAre(text("new-2-"), hash({"src/a", "!b"}), text("-e")));
  EXPECT_THAT(npm.restore, ElementsAre(ElementsAre(text("new-"), hash({"src/c"})),
                                       ElementsAre(text("trusted"))));
  EXPECT_EQ(npm.max_size, std::uint64_t{2} << 20U);
  const Cache& target = stage.caches[1];
  EXPECT_THAT(target.key, ElementsAre(text("plain")));
  EXPECT_THAT(target.restore, IsEmpty());
  EXPECT_FALSE(target.max_size);
  EXPECT_EQ(target.save, CacheSave::kSuccess);
}

TEST(Caches, SayWhenTheyAreSaved) {
  const auto parsed = [](const std::string& save) {
    return parse_pipeline("f",
                          "stagebox: 1\nimages: {a: {name: a}}\nstages:\n  s: {image: a, run: x, "
                          "caches: [{path: c, key: k, " +
                              save + "}]}\n");
  };
  const auto read = [&](const std::string& save) {
    return std::get<Pipeline>(parsed("save: " + save)).stages.at(0).caches.at(0).save;
  };
  EXPECT_EQ(read("success"), CacheSave::kSuccess);
  EXPECT_EQ(read("always"), CacheSave::kAlways);
  EXPECT_EQ(read("never"), CacheSave::kNever);
  EXPECT_THAT(std::get<Diagnostics>(parsed("save: failure")).render(),
              HasSubstr("f:4:58: `save` must be `success`, `always` or `never`, found `failure`"));
  EXPECT_THAT(std::get<Diagnostics>(parsed("policy: pull")).render(),
              HasSubstr("did you mean `save`?"));
}

}  // namespace
}  // namespace stagebox::scheduler
