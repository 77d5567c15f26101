#include "sandbox/network/allow_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stagebox::sandbox::network {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

AllowList list(const std::vector<std::string>& texts) {
  std::vector<base::NetworkRule> rules;
  for (const std::string& text : texts) {
    auto rule = base::NetworkRule::parse(text);
    EXPECT_TRUE(rule.ok()) << text;
    rules.push_back(std::move(*rule));
  }
  return AllowList(std::move(rules));
}

bool names(const AllowList& allowed, const std::string& host, std::uint16_t port) {
  const auto target = Target::make(host, port);
  EXPECT_TRUE(target) << host;
  return target && allowed.names(*target);
}

std::vector<base::IpAddress> addresses(const std::vector<std::string>& texts) {
  std::vector<base::IpAddress> found;
  found.reserve(texts.size());
  for (const std::string& text : texts) found.push_back(*base::IpAddress::parse(text));
  return found;
}

TEST(AllowList, NamesHostAndPortTogether) {
  const AllowList allowed = list({"pypi.org:443", "*.debian.org:80", "10.0.0.0/8:5432"});
  EXPECT_TRUE(names(allowed, "PyPI.org.", 443));
  EXPECT_FALSE(names(allowed, "pypi.org", 80));
  EXPECT_FALSE(names(allowed, "evil-pypi.org", 443));
  EXPECT_FALSE(names(allowed, "pypi.org.evil.com", 443));
  EXPECT_TRUE(names(allowed, "deb.debian.org", 80));
  EXPECT_TRUE(names(allowed, "a.b.debian.org", 80));
  EXPECT_FALSE(names(allowed, "debian.org", 80));
  EXPECT_FALSE(names(allowed, "evildebian.org", 80));
  EXPECT_TRUE(names(allowed, "10.1.2.3", 5432));
  EXPECT_TRUE(names(allowed, "::ffff:10.1.2.3", 5432));
  EXPECT_FALSE(names(allowed, "11.1.2.3", 5432));
  EXPECT_FALSE(names(list({}), "pypi.org", 443));
}

TEST(AllowList, AnAddressIsOnlyAllowedAsAnAddress) {
  EXPECT_FALSE(names(list({"pypi.org:443"}), "151.101.0.223", 443));
}

TEST(AllowList, ANameCannotBePointedAtPrivateAddresses) {
  const AllowList allowed = list({"rebind.example:80", "10.0.0.5:80", "10.0.0.6:81"});
  EXPECT_THAT(
      allowed.usable(addresses({"127.0.0.1", "169.254.169.254", "192.168.0.1", "::1", "fe80::1",
                                "fd00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::1",
                                "2001:0:a00:1::1", "::10.0.0.1", "::", "ff02::1"}),
                     80, {}),
      IsEmpty());
  EXPECT_THAT(allowed.usable(addresses({"10.0.0.6", "8.8.8.8", "10.0.0.5"}), 80, {}),
              ElementsAre(*base::IpAddress::parse("8.8.8.8"), *base::IpAddress::parse("10.0.0.5")));
}

TEST(AllowList, ARangeOfPublicAddressesNamesNoPrivateOnes) {
  for (const char* wide : {"0.0.0.0/0:80", "[::/0]:80", "160.0.0.0/4:80", "8.0.0.0/6:80"}) {
    const AllowList allowed = list({wide, "rebind.example:80"});
    for (const char* hidden : {"169.254.169.254", "10.0.0.1", "172.16.0.1", "127.0.0.1", "0.0.0.0",
                               "::1", "fe80::1", "fd00::1", "2001:db8::1"}) {
      EXPECT_FALSE(names(allowed, hidden, 80)) << wide << " " << hidden;
      EXPECT_THAT(allowed.usable(addresses({hidden}), 80, {}), IsEmpty()) << wide << " " << hidden;
    }
  }
  EXPECT_TRUE(names(list({"0.0.0.0/0:80"}), "8.8.8.8", 80));
  EXPECT_TRUE(names(list({"[::/0]:80"}), "8.8.8.8", 80));
  EXPECT_TRUE(names(list({"[::/0]:80"}), "2a00:1450::5", 80));
  EXPECT_TRUE(names(list({"169.254.0.0/16:80"}), "169.254.169.254", 80));
  EXPECT_TRUE(names(list({"[fc00::/7]:80"}), "fd00::1", 80));
  EXPECT_TRUE(names(list({"[2001:db8::/48]:80"}), "2001:db8::1", 80));
  EXPECT_TRUE(names(list({"[::1]:80"}), "::1", 80));
}

TEST(AllowList, ANameCannotBePointedAtThisMachine) {
  const AllowList allowed = list({"rebind.example:80", "8.8.8.9:80"});
  const auto own = addresses({"8.8.8.8", "2a00:1450::5", "8.8.8.9"});
  EXPECT_THAT(
      allowed.usable(
          addresses({"8.8.8.8", "2a00:1450::5", "::ffff:8.8.8.8", "8.8.8.9", "2a00:1450::6"}), 80,
          own),
      ElementsAre(*base::IpAddress::parse("8.8.8.9"), *base::IpAddress::parse("2a00:1450::6")));
}

}  // namespace
}  // namespace stagebox::sandbox::network
