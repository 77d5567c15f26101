// What is told of two stage keys that differ.
#include "runtime/store/action_diff.h"

#include <gmock/gmock.h>

#include <functional>

#include "runtime/store/action.h"

namespace stagebox::store {
namespace {

using base::Result;
using base::Sha256;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

base::RelativePath path(const std::string& text) { return base::RelativePath::parse(text).value(); }

/// Stored trees, by digest, and which of them were read.
class Trees {
 public:
  Digest put(const DirectoryListing& listing) {
    const Digest digest = Sha256::of(listing.encode());
    stored_[digest] = listing;
    return digest;
  }
  DirectoryReader reader() {
    return [this](const Digest& digest) -> Result<DirectoryListing> {
      read.push_back(digest);
      const auto found = stored_.find(digest);
      if (found == stored_.end()) return base::not_found("gone");
      return found->second;
    };
  }
  void forget(const Digest& digest) { stored_.erase(digest); }

  std::vector<Digest> read;

 private:
  std::map<Digest, DirectoryListing> stored_;
};

FileEntry file(const std::string& name, const std::string& content,
               Executable executable = Executable::kNo) {
  return {name, Sha256::of(content), content.size(), executable};
}

ActionSpec spec_of(const Digest& tree) {
  ActionSpec spec;
  spec.arguments = {"make", "all"};
  spec.environment = {{"A", "1"}, {"B", "2"}};
  spec.output_paths = {path("out")};
  spec.platform = {{"container-image", "sha256:1"}, {"network", "none"}, {"user", "0:0"}};
  spec.inputs.push_back({path("src"), InputTree{tree, 1}});
  spec.salt = "trusted";
  return spec;
}

class ActionDiffTest : public ::testing::Test {
 protected:
  ActionDifferences compare(const ActionSpec& before, const ActionSpec& after,
                            std::size_t limit = 100) {
    const EncodedAction old_action = encode_action(before).value();
    const EncodedAction new_action = encode_action(after).value();
    auto result =
        compare_actions({old_action.action, old_action.new_blobs},
                        {new_action.action, new_action.new_blobs}, trees_.reader(), limit);
    EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message);
    return result.ok() ? *result : ActionDifferences{};
  }

  Trees trees_;
  Digest tree_ = trees_.put({.files = {file("a", "a")}, .directories = {}, .symlinks = {}});
};

TEST_F(ActionDiffTest, EqualActionsDifferInNothingAndNothingIsRead) {
  const auto result = compare(spec_of(tree_), spec_of(tree_));
  EXPECT_THAT(result.list, IsEmpty());
  EXPECT_TRUE(result.complete);
  EXPECT_THAT(trees_.read, IsEmpty());
}

struct Case {
  std::function<void(ActionSpec&)> change;
  Difference difference;
};

TEST_F(ActionDiffTest, EachIngredientIsNamed) {
  using Kind = DifferenceKind;
  const std::vector<Case> cases{
      {[](auto& s) { s.arguments = {"make"}; }, {Kind::kCommand, "", "make all", "make"}},
      {[](auto& s) { s.environment["A"] = "3"; }, {Kind::kVariable, "A", "1", "3"}},
      {[](auto& s) { s.environment["C"] = ""; }, {Kind::kVariable, "C", std::nullopt, ""}},
      {[](auto& s) { s.environment.erase("B"); }, {Kind::kVariable, "B", "2", std::nullopt}},
      {[](auto& s) { s.output_paths.push_back(path("x")); }, {Kind::kOutput, "x", {}, "x"}},
      {[](auto& s) { s.platform["container-image"] = "sha256:2"; },
       {Kind::kImage, "", "sha256:1", "sha256:2"}},
      {[](auto& s) { s.platform["network"] = "allow a:1"; },
       {Kind::kNetwork, "", "none", "allow a:1"}},
      {[](auto& s) { s.platform["user"] = "1:1"; }, {Kind::kUser, "", "0:0", "1:1"}},
      {[](auto& s) { s.platform["overlay:src"] = "true"; }, {Kind::kOverlay, "src", {}, "true"}},
      {[](auto& s) { s.platform["cpu"] = "x"; }, {Kind::kOther, "cpu", {}, "x"}},
      {[](auto& s) { s.salt = "trusted\n2"; }, {Kind::kSalt, "", "trusted", "trusted\n2"}},
      {[](auto& s) { s.working_directory = "src/d"; }, {Kind::kWorkdir, "", "", "src/d"}},
      {[](auto& s) { s.inputs.push_back({path("f"), InputFile{Sha256::of("f"), 1}}); },
       {Kind::kInput, "f", {}, "file " + Sha256::of("f").hex()}},
  };
  for (const Case& one : cases) {
    ActionSpec changed = spec_of(tree_);
    one.change(changed);
    EXPECT_THAT(compare(spec_of(tree_), changed).list, ElementsAre(one.difference))
        << to_string(one.difference.kind) << one.difference.name;
  }
}

TEST_F(ActionDiffTest, OnlyUnequalDirectoriesAreReadDownToTheFile) {
  DirectoryListing same{.files = {file("x", "x")}, .directories = {}, .symlinks = {}};
  DirectoryListing deep{.files = {file("f", "1"), file("gone", "g"), file("tool", "t")},
                        .directories = {},
                        .symlinks = {{"l", "f"}}};
  const auto top = [&] {
    return trees_.put(
        {.files = {},
         .directories = {{"deep", trees_.put(deep), 1}, {"same", trees_.put(same), 1}},
         .symlinks = {}});
  };
  const Digest before = top();
  deep = {.files = {file("f", "2"), file("new", "n"), file("tool", "t", Executable::kYes)},
          .directories = {{"l", trees_.put(same), 1}},
          .symlinks = {}};
  const Digest after = top();
  const auto result = compare(spec_of(before), spec_of(after));
  std::vector<std::string> names;
  for (const Difference& one : result.list) names.push_back(one.name);
  EXPECT_THAT(names, ElementsAre("src/deep/f", "src/deep/gone", "src/deep/l", "src/deep/tool",
                                 "src/deep/new"));
  EXPECT_EQ(result.list[0].after, "file " + Sha256::of("2").hex());
  EXPECT_EQ(result.list[1].after, std::nullopt);
  EXPECT_EQ(result.list[2].before, "link to f");
  EXPECT_TRUE(result.list[3].after->ends_with(" executable"));
  EXPECT_EQ(trees_.read.size(), 4U) << "two levels of two trees; not the equal directory";
}

TEST_F(ActionDiffTest, AWorkingDirectoryIsNoInput) {
  const auto in = [&](const std::string& directory) {
    ActionSpec spec = spec_of(tree_);
    spec.working_directory = directory;
    return spec;
  };
  using Kind = DifferenceKind;
  for (const auto& [before, after] : std::vector<std::pair<std::string, std::string>>{
           {"w", "v"}, {"v", "v/deep/er"}, {"v/deep/er", "v/deep"}, {"v/deep", ""}, {"v", "src"}}) {
    const auto result = compare(in(before), in(after));
    EXPECT_THAT(result.list, ElementsAre(Difference{Kind::kWorkdir, "", before, after}));
  }
}

TEST_F(ActionDiffTest, OfInputsInAWorkingDirectoryOnlyThoseThatMovedAreTold) {
  const InputFile input{Sha256::of("f"), 1};
  const std::string text = "file " + Sha256::of("f").hex();
  const Digest empty = trees_.put({});
  ActionSpec before = spec_of(tree_);
  before.working_directory = "w";
  before.inputs.push_back({path("w/f"), input});
  ActionSpec after = spec_of(tree_);
  after.working_directory = "v";
  after.inputs.push_back({path("w/f"), input});
  using Kind = DifferenceKind;
  const Difference workdir{Kind::kWorkdir, "", "w", "v"};
  EXPECT_THAT(compare(before, after).list, ElementsAre(workdir));
  after.inputs.back().at = path("v/f");
  after.inputs.push_back({path("empty"), InputTree{empty, 0}});
  EXPECT_THAT(
      compare(before, after).list,
      ElementsAre(workdir, Difference{Kind::kInput, "empty", {}, "directory " + empty.hex()},
                  Difference{Kind::kInput, "w/f", text, {}},
                  Difference{Kind::kInput, "v/f", {}, text}));
}

TEST_F(ActionDiffTest, AsManyAsAreAskedForAreTold) {
  DirectoryListing many;
  for (int i = 0; i < 50; ++i) many.files.push_back(file(std::to_string(100 + i), "x"));
  const auto result = compare(spec_of(tree_), spec_of(trees_.put(many)), 10);
  EXPECT_EQ(result.list.size(), 10U);
  EXPECT_FALSE(result.complete);
}

TEST_F(ActionDiffTest, ADirectoryThatIsNotStoredAnyMoreIsToldByItsDigest) {
  const Digest other = trees_.put({.files = {file("b", "b")}, .directories = {}, .symlinks = {}});
  trees_.forget(other);
  const auto result = compare(spec_of(other), spec_of(tree_));
  EXPECT_THAT(result.list,
              ElementsAre(Difference{DifferenceKind::kInput, "src", "directory " + other.hex(),
                                     "directory " + tree_.hex()}));
}

TEST_F(ActionDiffTest, MessagesThatAreNotTheKeysAreCorrupt) {
  const EncodedAction action = encode_action(spec_of(tree_)).value();
  std::vector<std::string> damaged = action.new_blobs;
  damaged.back() += "x";
  const auto result = compare_actions({action.action, action.new_blobs}, {action.action, damaged},
                                      trees_.reader(), 9);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind, base::ErrorKind::kCorrupt);
}

TEST_F(ActionDiffTest, TheStoredTreesOfAnActionAreFound) {
  ActionSpec spec = spec_of(tree_);
  const Digest other = trees_.put({.files = {file("b", "b")}, .directories = {}, .symlinks = {}});
  spec.inputs.push_back({path("deep/in/it"), InputTree{other, 1}});
  const EncodedAction action = encode_action(spec).value();
  const auto found = input_trees({action.action, action.new_blobs});
  ASSERT_TRUE(found.ok());
  EXPECT_THAT(*found, ::testing::UnorderedElementsAre(tree_, other));
}

}  // namespace
}  // namespace stagebox::store
