// What recorded messages of a stage key say.
#include "runtime/store/recorded_action.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "runtime/store/action.h"

namespace stagebox::store {
namespace {

using base::Sha256;
using ::testing::ElementsAre;
using ::testing::Pair;

base::RelativePath path(const std::string& text) { return base::RelativePath::parse(text).value(); }

ActionSpec sample() {
  ActionSpec spec;
  spec.arguments = {"make", "all"};
  spec.environment = {{"A", "1"}, {"B", "2"}};
  spec.output_paths = {path("out"), path("lib/x")};
  spec.platform = {{"container-image", "sha256:1"}, {"network", "none"}};
  spec.inputs.push_back({path("src/deep"), InputTree{Sha256::of("tree"), 1}});
  spec.inputs.push_back({path("src/file"), InputFile{Sha256::of("file"), 4, Executable::kYes}});
  spec.working_directory = "src/deep";
  spec.salt = "trusted";
  return spec;
}

TEST(ViewAction, SaysWhatTheSpecSaid) {
  const EncodedAction encoded = encode_action(sample()).value();
  const auto view = view_action({encoded.action, encoded.new_blobs});
  ASSERT_TRUE(view.ok()) << view.error().message;
  EXPECT_THAT(view->arguments, ElementsAre("make", "all"));
  EXPECT_THAT(view->environment, ElementsAre(Pair("A", "1"), Pair("B", "2")));
  EXPECT_THAT(view->output_paths, ElementsAre("lib/x", "out"));
  EXPECT_EQ(view->working_directory, "src/deep");
  EXPECT_THAT(view->platform,
              ElementsAre(Pair("container-image", "sha256:1"), Pair("network", "none")));
  EXPECT_EQ(view->salt, "trusted");
  EXPECT_THAT(view->inputs,
              ElementsAre(ActionInput{"src/deep", OutputKind::kDirectory, Sha256::of("tree")},
                          ActionInput{"src/file", OutputKind::kFile, Sha256::of("file"),
                                      Executable::kYes}));
  EXPECT_THAT(input_trees({encoded.action, encoded.new_blobs}).value(),
              ElementsAre(Sha256::of("tree")));
}

TEST(ViewAction, ATreeCanBeTheWholeWorkspace) {
  ActionSpec spec = sample();
  spec.working_directory = "";
  spec.inputs = {{base::RelativePath::parse(".").value(), InputTree{Sha256::of("all"), 1}}};
  const EncodedAction encoded = encode_action(spec).value();
  EXPECT_THAT(view_action({encoded.action, encoded.new_blobs}).value().inputs,
              ElementsAre(ActionInput{".", OutputKind::kDirectory, Sha256::of("all")}));
}

TEST(ViewAction, MessagesThatAreNotWhatTheKeySaysAreRefused) {
  const EncodedAction encoded = encode_action(sample()).value();
  for (const Digest& part : {encoded.action, encoded.command}) {
    auto damaged = encoded.new_blobs;
    const auto message = std::ranges::find_if(
        damaged, [&part](const std::string& blob) { return Sha256::of(blob) == part; });
    ASSERT_NE(message, damaged.end());
    message->back() = static_cast<char>(message->back() ^ 1);
    const auto view = view_action({encoded.action, damaged});
    ASSERT_FALSE(view.ok());
    EXPECT_EQ(view.error().kind, base::ErrorKind::kCorrupt);
  }
  EXPECT_FALSE(view_action({encoded.action, {}}).ok());
}

}  // namespace
}  // namespace stagebox::store
