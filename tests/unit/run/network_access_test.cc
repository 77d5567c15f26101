#include "runtime/run/engine/network_access.h"

#include <gtest/gtest.h>

namespace stagebox::run {
namespace {

TEST(ProxyVariables, LeaveWhatTheStageHasSaid) {
  std::map<std::string, std::string> environment{{"http_proxy", "mine"}};
  add_proxy_variables(environment);
  EXPECT_EQ(environment["http_proxy"], "mine");
  EXPECT_EQ(environment["https_proxy"], "http://127.0.0.1:3128");
  EXPECT_FALSE(environment.contains("all_proxy"));
}

}  // namespace
}  // namespace stagebox::run
