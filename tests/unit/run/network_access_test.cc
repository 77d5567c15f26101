#include "runtime/run/engine/network_access.h"

#include <gtest/gtest.h>

namespace stagebox::run {
namespace {

std::map<std::string, std::string> variables_for(const std::vector<std::string>& rules,
                                                 std::map<std::string, std::string> said = {},
                                                 const std::vector<std::string>& services = {}) {
  std::vector<base::NetworkRule> parsed;
  for (const std::string& rule : rules) parsed.push_back(base::NetworkRule::parse(rule).value());
  add_proxy_variables(parsed, services, said);
  return said;
}

TEST(ProxyVariables, LeaveWhatTheStageHasSaid) {
  auto environment = variables_for({"127.0.0.1:80"}, {{"http_proxy", "mine"}, {"no_proxy", "too"}});
  EXPECT_EQ(environment["no_proxy"], "too");
  EXPECT_EQ(environment["NO_PROXY"], "localhost,::1");
  EXPECT_EQ(environment["http_proxy"], "mine");
  EXPECT_EQ(environment["https_proxy"], "http://127.0.0.1:3128");
  EXPECT_FALSE(environment.contains("all_proxy"));
}

TEST(ProxyVariables, KeepTheLoopbackFromTheProxyButWhereARuleNamesIt) {
  const auto direct = [](const std::vector<std::string>& rules) {
    return variables_for(rules).at("no_proxy");
  };
  EXPECT_EQ(direct({"a.org:80", "10.0.0.0/8:80", "*.localhost:80"}), "localhost,127.0.0.1,::1");
  EXPECT_EQ(direct({"127.0.0.1:80"}), "localhost,::1");
  EXPECT_EQ(direct({"127.0.0.0/8:80"}), "localhost,::1");
  EXPECT_EQ(direct({"127.0.0.2:80"}), "localhost,127.0.0.1,::1");
  EXPECT_EQ(direct({"[::1]:80"}), "localhost,127.0.0.1");
  EXPECT_EQ(direct({"LocalHost:80"}), "127.0.0.1,::1");
  EXPECT_EQ(direct({"0.0.0.0/0:80"}), "localhost,127.0.0.1,::1") << "it means public ones alone";
  EXPECT_FALSE(variables_for({"localhost:1", "127.0.0.1:1", "[::1]:1"}).contains("no_proxy"));
}

TEST(ProxyVariables, ServicesAreReachedWithoutTheProxy) {
  const auto variables = variables_for({"localhost:1", "example.org:443"}, {}, {"db", "cache"});
  EXPECT_EQ(variables.at("no_proxy"), "127.0.0.1,::1,db,cache");
  EXPECT_EQ(variables.at("NO_PROXY"), "127.0.0.1,::1,db,cache");
}

}  // namespace
}  // namespace stagebox::run
