#include "runtime/run/memo/input_witness.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/temp_dir.h"

namespace stagebox::run {
namespace {

struct stat status_of(ino_t inode) {
  struct stat status{};
  status.st_ino = inode;
  return status;
}

store::WalkWitness walk_of(ino_t inode) {
  store::WalkWitness walk;
  walk.enter("", status_of(inode));
  return walk;
}

TEST(InputWitness, TheSameTwiceIsConsistent) {
  InputWitness witness;
  const testing::TempDir dir;
  for (int i = 0; i < 2; ++i) {
    witness.see_file("file", status_of(1));
    witness.look(MemoPlace::Root::kProject, "absent", dir.fd());
    witness.see_walk("walk", "walk", walk_of(2));
  }
  EXPECT_TRUE(witness.is_consistent());
  EXPECT_EQ(witness.take_places().size(), 2U);
  EXPECT_EQ(witness.take_walks().size(), 1U);
}

// As old as they like: a link above was made to lead elsewhere.
TEST(InputWitness, WhatLooksOtherwiseTheSecondTimeIsNot) {
  const testing::TempDir dir;
  InputWitness files;
  files.see_file("file", status_of(1));
  files.see_file("file", status_of(2));
  EXPECT_FALSE(files.is_consistent());
  InputWitness places;
  places.look(MemoPlace::Root::kProject, "place", dir.fd());
  ASSERT_EQ(::mkdirat(dir.fd(), "place", 0700), 0);
  places.look(MemoPlace::Root::kProject, "place", dir.fd());
  EXPECT_FALSE(places.is_consistent());
  InputWitness walks;
  walks.see_walk("walk", "walk", walk_of(1));
  walks.see_walk("walk", "walk", walk_of(2));
  EXPECT_FALSE(walks.is_consistent());
}

}  // namespace
}  // namespace stagebox::run
