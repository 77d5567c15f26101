// What the kernel says of the pages that secrets lie in.
#include "runtime/base/locked_memory.h"

#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace stagebox::base {
namespace {

using ::testing::IsSupersetOf;

/// proc(5), VmFlags of the mapping with this address.
std::vector<std::string> flags_of(const void* address) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): its number is compared.
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  std::ifstream maps("/proc/self/smaps");
  bool is_it = false;
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    // NOLINTNEXTLINE(cert-err34-c): what is no range is another line.
    if (std::sscanf(line.c_str(), "%lx-%lx", &begin, &end) == 2)
      is_it = begin <= wanted && wanted < end;
    if (!is_it || !line.starts_with("VmFlags:")) continue;
    std::istringstream words(line.substr(8));
    std::vector<std::string> flags;
    for (std::string word; words >> word;) flags.push_back(word);
    return flags;
  }
  return {};
}

TEST(LockedMemory, IsLockedAndInNoCoreFileAndNoChild) {
  if (!can_lock(2)) GTEST_SKIP() << "memory cannot be locked here (ulimit -l)";
  const LockedBytes secret(10'000, 's');
  EXPECT_THAT(flags_of(secret.data()), IsSupersetOf({"lo", "dd", "dc"}));
  EXPECT_THAT(flags_of(secret.data() + secret.size() - 1), IsSupersetOf({"lo", "dd", "dc"}));
}

TEST(LockedMemory, IsGivenBack) {
  if (!can_lock(2)) GTEST_SKIP() << "memory cannot be locked here (ulimit -l)";
  constexpr std::size_t kPage = 4096;
  void* memory = allocate_locked(kPage);
  ASSERT_NE(memory, nullptr);
  unsigned char resident = 0;
  ASSERT_EQ(::mincore(memory, kPage, &resident), 0);
  free_locked(memory, kPage);
  EXPECT_EQ(::mincore(memory, kPage, &resident), -1) << "nothing is mapped there";
  free_locked(nullptr, kPage);
}

TEST(LockedMemory, WhatCannotBeLockedIsNotGiven) {
  if (::geteuid() == 0) GTEST_SKIP() << "the superuser may lock everything";
  struct rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_MEMLOCK, &before), 0);
  struct rlimit none = before;
  none.rlim_cur = 0;
  ASSERT_EQ(::setrlimit(RLIMIT_MEMLOCK, &none), 0);
  EXPECT_FALSE(can_lock(1));
  EXPECT_EQ(allocate_locked(1), nullptr);
  EXPECT_EQ(::setrlimit(RLIMIT_MEMLOCK, &before), 0);
}

}  // namespace
}  // namespace stagebox::base
