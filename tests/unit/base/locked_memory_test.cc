// What the kernel says of the pages that secrets lie in.
#include "runtime/base/locked_memory.h"

#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
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

constexpr uid_t kNobody = 65534;

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

// In a child: the superuser may lock everything, and what it gives up stays given up.
bool refuses_without_a_limit() {
  const struct rlimit none{};
  if (::geteuid() == 0 && ::setresuid(kNobody, kNobody, kNobody) != 0) return false;
  if (::setrlimit(RLIMIT_MEMLOCK, &none) != 0) return false;
  return !can_lock(1) && allocate_locked(1) == nullptr;
}

TEST(LockedMemory, WhatCannotBeLockedIsNotGiven) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) ::_exit(refuses_without_a_limit() ? 0 : 1);
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

}  // namespace
}  // namespace stagebox::base
