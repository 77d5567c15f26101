#include "sandbox/landlock_checks.h"

#include <gtest/gtest.h>

namespace stagebox::sandbox {
namespace {

TEST(LandlockChecks, WithoutAScopeForAbstractSocketsItIsNotAllThere) {
  for (const int abi : {0, 1, 2, 5}) {
    for (const Check& check : {check_landlock(abi), check_host_network(abi)}) {
      EXPECT_NE(check.state, Check::State::kEnforced) << check.name << ", ABI " << abi;
      EXPECT_NE(check.detail.find("abstract sockets"), std::string::npos) << check.detail;
      EXPECT_NE(check.remedy.find("Linux 6.12"), std::string::npos) << check.remedy;
    }
    EXPECT_EQ(check_landlock(abi).state, Check::State::kDegraded);
    EXPECT_EQ(check_host_network(abi).state, Check::State::kRefused);
  }
}

TEST(LandlockChecks, WithItBothAreEnforced) {
  for (const int abi : {6, 7}) {
    for (const Check& check : {check_landlock(abi), check_host_network(abi)}) {
      EXPECT_EQ(check.state, Check::State::kEnforced) << check.name;
      EXPECT_EQ(check.remedy, "");
    }
  }
}

}  // namespace
}  // namespace stagebox::sandbox
