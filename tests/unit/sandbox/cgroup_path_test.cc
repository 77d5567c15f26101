#include "sandbox/cgroup/cgroup_path.h"

#include <gmock/gmock.h>

namespace stagebox::sandbox {
namespace {

using ::testing::ElementsAre;

TEST(CgroupPath, FromOursAndFromTheMountPoint) {
  const auto ours = parse_cgroup_path("team/build-17");
  ASSERT_TRUE(ours.ok());
  EXPECT_EQ(ours->from, CgroupPath::From::kOurs);
  EXPECT_THAT(ours->components, ElementsAre("team", "build-17"));
  const auto mounted = parse_cgroup_path("//libpod_parent/libpod-1/");
  ASSERT_TRUE(mounted.ok());
  EXPECT_EQ(mounted->from, CgroupPath::From::kMountPoint);
  EXPECT_EQ(mounted->str(), "libpod_parent/libpod-1");
}

TEST(CgroupPath, AColonIsPartOfAName) {
  const auto path = parse_cgroup_path("machine.slice:libpod:0123");
  ASSERT_TRUE(path.ok());
  EXPECT_THAT(path->components, ElementsAre("machine.slice:libpod:0123"));
}

TEST(CgroupPath, WhatLeadsOutOrNowhereIsRefused) {
  std::string deep = "a";
  for (int i = 0; i < 32; ++i) deep += "/a";
  for (const std::string& text : {std::string(), std::string("/"), std::string(".."),
                                  std::string("a/../.."), std::string("./a"), std::string("a\nb"),
                                  std::string("a\0b", 3), std::string(256, 'a'), deep})
    EXPECT_FALSE(parse_cgroup_path(text).ok()) << text;
}

}  // namespace
}  // namespace stagebox::sandbox
