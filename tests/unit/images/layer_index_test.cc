// What a process that has read hostile bytes may say of a layer's files, and what not.
#include "images/layer/layer_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "images/layer/erofs_writer.h"

namespace stagebox::images {
namespace {

constexpr std::uint64_t kArchive = 10'240;

IndexNode node(IndexNode::Type type, const std::string& name, std::uint32_t parent = 0) {
  IndexNode made;
  made.type = type;
  made.name = name;
  made.parent = parent;
  if (type == IndexNode::Type::kSymlink) made.target = "target";
  return made;
}

IndexNode file(const std::string& name, std::uint64_t size, std::vector<FileExtent> extents) {
  IndexNode made = node(IndexNode::Type::kFile, name);
  made.size = size;
  made.extents = std::move(extents);
  return made;
}

LayerIndex sample() {
  LayerIndex index;
  index.nodes = {IndexNode(),
                 node(IndexNode::Type::kDirectory, "d"),
                 node(IndexNode::Type::kSymlink, "l", 1),
                 file("f", 700, {{0, 512, 700}}),
                 node(IndexNode::Type::kFile, "g"),
                 node(IndexNode::Type::kWhiteout, "w")};
  index.nodes[4].same_as = 3;
  return index;
}

base::Result<LayerIndex> decoded(const LayerIndex& index, const LayerOwnership& ownership = {}) {
  const std::string bytes = encode_index(index);
  return decode_index(std::as_bytes(std::span(bytes)), kArchive, ownership, Limits());
}

TEST(LayerIndexTest, ComesBackAsItWas) {
  const auto index = decoded(sample());
  ASSERT_TRUE(index.ok());
  EXPECT_EQ(encode_index(*index), encode_index(sample()));
  EXPECT_EQ(index->nodes[3].extents, (std::vector<FileExtent>{{0, 512, 700}}));
}

TEST(LayerIndexTest, WhatMakesNoTreeIsRefused) {
  const std::vector<std::pair<std::string, std::function<void(LayerIndex&)>>> lies = {
      {"no root", [](LayerIndex& i) { i.nodes.clear(); }},
      {"the root is a file", [](LayerIndex& i) { i.nodes[0].type = IndexNode::Type::kFile; }},
      {"the root has a name", [](LayerIndex& i) { i.nodes[0].name = "x"; }},
      {"a parent that comes later", [](LayerIndex& i) { i.nodes[2].parent = 5; }},
      {"its own parent", [](LayerIndex& i) { i.nodes[1].parent = 1; }},
      {"in a file", [](LayerIndex& i) { i.nodes[5].parent = 3; }},
      {"two of one name", [](LayerIndex& i) { i.nodes[5].name = "g"; }},
      {"not in order", [](LayerIndex& i) { i.nodes[5].name = "a"; }},
      {"no name", [](LayerIndex& i) { i.nodes[2].name.clear(); }},
      {".", [](LayerIndex& i) { i.nodes[2].name = "."; }},
      {"..", [](LayerIndex& i) { i.nodes[2].name = ".."; }},
      {"a slash", [](LayerIndex& i) { i.nodes[2].name = "a/b"; }},
      {"a NUL", [](LayerIndex& i) { i.nodes[2].name = std::string("a\0b", 3); }},
      {"a long name", [](LayerIndex& i) { i.nodes[2].name = std::string(256, 'n'); }},
      {"another name of what comes later", [](LayerIndex& i) { i.nodes[4].same_as = 5; }},
      {"of itself", [](LayerIndex& i) { i.nodes[4].same_as = 4; }},
      {"of a directory", [](LayerIndex& i) { i.nodes[4].same_as = 1; }},
      {"of another kind", [](LayerIndex& i) { i.nodes[4].same_as = 2; }},
      {"mode", [](LayerIndex& i) { i.nodes[3].attributes.mode = 010000; }},
      {"owner", [](LayerIndex& i) { i.nodes[3].attributes.uid = 65'536; }},
      {"group", [](LayerIndex& i) { i.nodes[3].attributes.gid = 65'536; }},
      {"time", [](LayerIndex& i) { i.nodes[3].attributes.mtime.tv_nsec = 1'000'000'000; }},
      {"no target", [](LayerIndex& i) { i.nodes[2].target.clear(); }},
      {"a long target", [](LayerIndex& i) { i.nodes[2].target = std::string(4096, 't'); }},
      {"a target with NUL", [](LayerIndex& i) { i.nodes[2].target = std::string("a\0", 2); }},
      {"opaque file", [](LayerIndex& i) { i.nodes[3].is_opaque = true; }},
      {"implied file", [](LayerIndex& i) { i.nodes[3].is_implied = true; }},
      {"for a whiteout, but not implied", [](LayerIndex& i) { i.nodes[1].for_whiteout = true; }},
  };
  for (const auto& [what, lie] : lies) {
    LayerIndex index = sample();
    lie(index);
    EXPECT_FALSE(decoded(index).ok()) << what;
  }
}

TEST(LayerIndexTest, ContentLiesInTheArchive) {
  const std::vector<std::pair<std::string, IndexNode>> lies = {
      {"behind the end", file("f", 700, {{0, 10'240, 700}})},
      {"over the end", file("f", 700, {{0, 9'728, 700}})},
      {"wraps", file("f", 700, {{0, ~0ULL - 511, 700}})},
      {"not at a block", file("f", 700, {{0, 100, 700}})},
      {"longer than the file", file("f", 700, {{0, 512, 1024}})},
      {"one over the other", file("f", 2048, {{0, 512, 1024}, {512, 512, 512}})},
      {"empty", file("f", 700, {{0, 512, 0}})},
      {"ends within a block", file("f", 2048, {{0, 512, 700}})},
      {"too many parts", file("f", 1ULL << 30U, {{512, 512, 512}})},
      {"too large", file("f", 1ULL << 40U, {})},
  };
  for (const auto& [what, lie] : lies) {
    LayerIndex index;
    index.nodes = {IndexNode(), lie};
    EXPECT_FALSE(decoded(index).ok()) << what;
  }
  LayerIndex sparse;
  sparse.nodes = {IndexNode(), file("f", 1ULL << 30U, {{1ULL << 20U, 512, 1024}})};
  sparse.nodes[1].extents[0].length = 4096;
  EXPECT_FALSE(decoded(sparse).ok()) << "a quarter of a million parts";
  sparse.nodes[1].size = 2ULL << 20U;
  EXPECT_TRUE(decoded(sparse).ok());
}

TEST(LayerIndexTest, AttributesOfTheHostAreRefused) {
  for (const char* name : {"trusted.overlay.opaque", "user.overlay.opaque", "security.selinux",
                           "system.posix_acl_access", "user.", ""}) {
    LayerIndex index = sample();
    index.nodes[3].attributes.xattrs = {{name, "y"}};
    EXPECT_FALSE(decoded(index).ok()) << name;
  }
  LayerIndex index = sample();
  index.nodes[3].attributes.xattrs = {{"user.a", "1"}, {"user.a", "2"}};
  EXPECT_FALSE(decoded(index).ok()) << "twice";
  index.nodes[3].attributes.xattrs = {{"user.a", std::string(65'536, 'x')}};
  EXPECT_FALSE(decoded(index).ok()) << "long";
  index.nodes[3].attributes.xattrs = {{"security.capability", "x"}};
  EXPECT_FALSE(decoded(index).ok()) << "no capability";
  index.nodes[3].attributes.xattrs = {{"user.a", std::string(65'535, 'x')}};
  EXPECT_TRUE(decoded(index).ok());
}

TEST(LayerIndexTest, NoPartOfItIsEnoughAndNothingMayFollow) {
  const std::string bytes = encode_index(sample());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto part = std::as_bytes(std::span(bytes)).first(size);
    EXPECT_FALSE(decode_index(part, kArchive, {}, Limits()).ok()) << size;
  }
  const std::string more = bytes + '\0';
  EXPECT_FALSE(decode_index(std::as_bytes(std::span(more)), kArchive, {}, Limits()).ok());
}

TEST(LayerIndexTest, TheSameIndexIsTheSameImage) {
  EXPECT_EQ(write_erofs(sample(), kArchive), write_erofs(sample(), kArchive));
}

}  // namespace
}  // namespace stagebox::images
