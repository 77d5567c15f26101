#include "runtime/store/action.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "runtime/store/content/directory_listing.h"
#include "tests/unit/store/action_sample.h"

namespace stagebox::store {
namespace {

using base::RelativePath;
using base::Sha256;
using ::testing::HasSubstr;

RelativePath path(std::string_view text) { return *RelativePath::parse(text); }

std::string refusal(const ActionSpec& spec) {
  const auto encoded = encode_action(spec);
  return encoded.ok() ? "accepted" : encoded.error().message;
}

ActionSpec minimal() {
  ActionSpec spec;
  spec.arguments = {"true"};
  return spec;
}

/// The stage key must never change by accident: every cache of every user would be empty. If this
/// fails on purpose, say so in the release notes. reapi_encoding_test.py computes the same value.
TEST(Action, GoldenDigests) {
  const auto encoded = encode_action(sample_action());
  ASSERT_TRUE(encoded.ok()) << encoded.error().message;
  EXPECT_EQ(encoded->input_root.hex(),
            "fcb50f4d0d78ecf210f36fa978e38304cef0b623352e236ee9f3a36980d57c6c");
  EXPECT_EQ(encoded->command.hex(),
            "40c07e5c56f7e6ffb07ef796ef81cf876ec8442059dc9a0cb265196494208584");
  EXPECT_EQ(encoded->action.hex(),
            "603ad561c9878a11cd233a95b39f64b13c9e4f72536a6b6f0c3f4235dc354028");
}

TEST(Action, GoldenBytesOfTheSmallest) {
  const auto encoded = encode_action(minimal());
  ASSERT_TRUE(encoded.ok());
  ASSERT_EQ(encoded->new_blobs.size(), 3U);
  EXPECT_EQ(encoded->new_blobs[0], "") << "an empty input root";
  EXPECT_EQ(encoded->new_blobs[1], "\x0A\x04true");
  // Command: 64 characters and a size of 6; input root: 64 characters, size 0 left out.
  const std::string action = "\x0A\x44\x0A\x40" + encoded->command.hex() + "\x10\x06" +
                             "\x12\x42\x0A\x40" + encoded->input_root.hex();
  EXPECT_EQ(encoded->new_blobs[2], action);
  EXPECT_EQ(encoded->action, Sha256::of(action));
}

TEST(Action, BlobsAreWhatTheDigestsSay) {
  const auto encoded = encode_action(sample_action());
  ASSERT_TRUE(encoded.ok());
  EXPECT_EQ(encoded->action, Sha256::of(encoded->new_blobs.back()));
  EXPECT_EQ(encoded->action_size, encoded->new_blobs.back().size());
  bool root_there = false;
  for (const std::string& blob : encoded->new_blobs) {
    root_there = root_there || Sha256::of(blob) == encoded->input_root;
  }
  EXPECT_TRUE(root_there);
}

TEST(Action, TheOrderOfInputsAndOutputsDoesNotCount) {
  ActionSpec reversed = sample_action();
  std::ranges::reverse(reversed.inputs);
  std::ranges::reverse(reversed.output_paths);
  EXPECT_EQ(encode_action(reversed)->action, encode_action(sample_action())->action);
}

TEST(Action, EverythingElseCounts) {
  const Digest key = encode_action(sample_action())->action;
  const auto changes = [&key](auto change) {
    ActionSpec spec = sample_action();
    change(spec);
    const auto encoded = encode_action(spec);
    return encoded.ok() && encoded->action != key;
  };
  EXPECT_TRUE(changes([](ActionSpec& s) { s.arguments.back() += " "; }));
  EXPECT_TRUE(changes([](ActionSpec& s) { std::swap(s.arguments[1], s.arguments[2]); }));
  EXPECT_TRUE(changes([](ActionSpec& s) { s.environment["EMPTY"] = "x"; }));
  EXPECT_TRUE(changes([](ActionSpec& s) { s.environment.erase("EMPTY"); }));
  EXPECT_TRUE(changes([](ActionSpec& s) { s.output_paths.pop_back(); }));
  EXPECT_TRUE(changes([](ActionSpec& s) { s.working_directory = "src"; }));
  EXPECT_TRUE(changes([](ActionSpec& s) { s.platform["network"] = "host"; }));
  EXPECT_TRUE(changes([](ActionSpec& s) { s.inputs[0].at = path("source"); }));
  EXPECT_TRUE(changes(
      [](ActionSpec& s) { s.inputs[1].node = InputFile{Sha256::of("gen"), 3, Executable::kNo}; }));
  EXPECT_TRUE(changes([](ActionSpec& s) { s.salt = "untrusted"; }));
  EXPECT_TRUE(changes([](ActionSpec& s) { s.do_not_cache = false; }));
}

TEST(Action, ATreeMayBeTheWholeWorkspace) {
  ActionSpec spec = minimal();
  spec.working_directory = "below/it";
  spec.inputs = {{RelativePath(), InputTree{Sha256::of("tree"), 77}}};
  const auto encoded = encode_action(spec);
  ASSERT_TRUE(encoded.ok());
  EXPECT_EQ(encoded->input_root, Sha256::of("tree"));
  EXPECT_EQ(encoded->input_root_size, 77U);
  EXPECT_EQ(encoded->new_blobs.size(), 2U);
}

TEST(Action, InputsMustNotOverlap) {
  const InputTree tree{Sha256::of("tree"), 7};
  const InputFile file{Sha256::of("f"), 1, Executable::kNo};
  const std::vector<std::vector<InputNode>> overlapping = {
      {{path("a"), tree}, {path("a"), tree}},      {{path("a"), tree}, {path("a/b"), tree}},
      {{path("a/b"), tree}, {path("a"), tree}},    {{path("a"), file}, {path("a/b/c"), tree}},
      {{path("a/b/c"), file}, {path("a"), file}},  {{RelativePath(), tree}, {path("a"), file}},
      {{path("a"), file}, {RelativePath(), tree}}, {{RelativePath(), tree}, {RelativePath(), tree}},
  };
  for (const auto& inputs : overlapping) {
    ActionSpec spec = minimal();
    spec.inputs = inputs;
    EXPECT_THAT(refusal(spec), HasSubstr("overlaps"));
  }
  ActionSpec beside = minimal();
  beside.inputs = {{path("a"), tree}, {path("ab"), tree}, {path("b/a"), file}};
  EXPECT_EQ(refusal(beside), "accepted");
}

TEST(Action, MistakesAreRefused) {
  EXPECT_NE(refusal(ActionSpec()), "accepted") << "no arguments";
  const auto refused = [](auto change) {
    ActionSpec spec = sample_action();
    change(spec);
    const auto encoded = encode_action(spec);
    return !encoded.ok() && encoded.error().kind == base::ErrorKind::kInvalid;
  };
  EXPECT_TRUE(refused([](ActionSpec& s) { s.arguments.emplace_back("\xFF"); }));
  EXPECT_TRUE(refused([](ActionSpec& s) { s.arguments.emplace_back("a\0b", 3); }));
  EXPECT_TRUE(refused([](ActionSpec& s) { s.environment["A=B"] = ""; }));
  EXPECT_TRUE(refused([](ActionSpec& s) { s.environment[""] = ""; }));
  EXPECT_TRUE(refused([](ActionSpec& s) { s.environment["A"] = "\xC0\x80"; }));
  EXPECT_TRUE(refused([](ActionSpec& s) { s.platform["p"] = "\xED\xA0\x80"; }));
  EXPECT_TRUE(refused([](ActionSpec& s) { s.output_paths.push_back(s.output_paths[0]); }));
  EXPECT_TRUE(refused([](ActionSpec& s) { s.output_paths.push_back(path("\xFF")); }));
  EXPECT_TRUE(refused([](ActionSpec& s) { s.inputs[0].at = path("\xFF"); }));
  EXPECT_TRUE(refused([](ActionSpec& s) { s.working_directory = "/abs"; }));
  EXPECT_TRUE(refused([](ActionSpec& s) { s.working_directory = "../up"; }));
  EXPECT_TRUE(refused([](ActionSpec& s) { s.working_directory = "tools/data"; }));
  EXPECT_TRUE(refused([](ActionSpec& s) { s.working_directory = "tools/data/below"; }));
  EXPECT_TRUE(refused([](ActionSpec& s) { s.inputs[1].at = RelativePath(); }));
}

TEST(Action, BinarySaltIsFine) {
  ActionSpec spec = minimal();
  spec.salt = std::string("\0\xFF", 2);
  EXPECT_EQ(refusal(spec), "accepted");
}

TEST(Action, TheDeepestPathIsNoProblem) {
  std::string deep = "a";
  for (int i = 0; i < 2046; ++i) deep += "/a";
  ActionSpec spec = minimal();
  spec.inputs = {{path(deep), InputTree{Sha256::of("tree"), 7}}};
  EXPECT_EQ(encode_action(spec)->new_blobs.size(), 2049U);
}

}  // namespace
}  // namespace stagebox::store
