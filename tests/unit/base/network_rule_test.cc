#include "runtime/base/network_rule.h"

#include <gtest/gtest.h>

namespace stagebox::base {
namespace {

std::string normal(const std::string& text) {
  const auto rule = NetworkRule::parse(text);
  return rule.ok() ? rule->text() : "";
}

TEST(NetworkRule, HasOneNormalForm) {
  EXPECT_EQ(normal("Deb.Debian.ORG.:443"), "deb.debian.org:443");
  EXPECT_EQ(normal("*.PyPI.org:443"), "*.pypi.org:443");
  EXPECT_EQ(normal("localhost:80"), "localhost:80");
  EXPECT_EQ(normal("10.1.2.3:5432"), "10.1.2.3:5432");
  EXPECT_EQ(normal("10.0.0.0/8:80"), "10.0.0.0/8:80");
  EXPECT_EQ(normal("[2001:DB8::1]:80"), "[2001:db8::1]:80");
  EXPECT_EQ(normal("[fd00::/8]:80"), "[fd00::/8]:80");
  EXPECT_EQ(normal("[::ffff:10.0.0.1]:80"), "");  // Write it as what it is.
  for (const char* text : {"deb.debian.org:443", "*.pypi.org:1", "10.0.0.0/8:80", "[fd00::/8]:9"}) {
    EXPECT_EQ(normal(normal(text)), text);
  }
}

TEST(NetworkRule, RefusesWhatIsNoHostAndPort) {
  for (const char* text : {"",
                           ":",
                           ":80",
                           "host",
                           "host:",
                           "host:0",
                           "host:65536",
                           "host:-1",
                           "host:80x",
                           "host: 80",
                           "ho st:80",
                           "-a.b:80",
                           "a-.b:80",
                           "a..b:80",
                           ".a:80",
                           "*:80",
                           "*.:80",
                           "a.*.b:80",
                           "http://a:80",
                           "a/b:80",
                           "user@a:80",
                           "[a]:80",
                           "[10.0.0.1]:80",
                           "2001:db8::1:80",
                           "[::1]",
                           "10.0.0.1/8:80",
                           "10.0.0.0/33:80",
                           "a\nb:80",
                           "a%b:80"}) {
    EXPECT_FALSE(NetworkRule::parse(text).ok()) << text;
  }
  EXPECT_FALSE(NetworkRule::parse(std::string("a\0b:80", 6)).ok());
  EXPECT_FALSE(NetworkRule::parse(std::string(64, 'a') + ".org:80").ok());
}

TEST(NetworkRule, RefusesNumbersThatResolversTakeForAddresses) {
  for (const char* text : {"127.1:80", "2130706433:80", "0x7f000001:80", "0177.0.0.1:80",
                           "a.0x7f:80", "1.2.3:80", "256.1.1.1:80"}) {
    EXPECT_FALSE(NetworkRule::parse(text).ok()) << text;
  }
}

TEST(IpAddress, KnowsWhatIsNotThePublicNetwork) {
  for (const char* text : {"0.0.0.0",
                           "10.255.255.255",
                           "100.64.0.1",
                           "127.0.0.1",
                           "169.254.169.254",
                           "172.31.255.1",
                           "192.168.1.1",
                           "224.0.0.1",
                           "255.255.255.255",
                           "198.18.0.1",
                           "::",
                           "::1",
                           "fe80::1",
                           "fd00::1",
                           "ff02::1",
                           "::ffff:127.0.0.1",
                           "::127.0.0.1",
                           "64:ff9b::a00:1",
                           "2002:7f00:1::",
                           "2001:0:1::1",
                           "2001:db8::1",
                           "fec0::1"}) {
    const auto address = IpAddress::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_FALSE(address->is_public()) << text;
  }
  for (const char* text : {"1.1.1.1", "151.101.2.132", "172.32.0.1", "100.128.0.1",
                           "2606:4700::1111", "2a04:4e42::644", "::ffff:8.8.8.8"}) {
    const auto address = IpAddress::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_TRUE(address->is_public()) << text;
  }
}

TEST(NetworkRule, CoversWhatIsNoWider) {
  const auto covers = [](const char* wide, const char* narrow) {
    return NetworkRule::parse(wide)->covers(*NetworkRule::parse(narrow));
  };
  EXPECT_TRUE(covers("a.org:80", "A.org:80"));
  EXPECT_TRUE(covers("*.a.org:80", "x.a.org:80"));
  EXPECT_TRUE(covers("*.a.org:80", "*.x.a.org:80"));
  EXPECT_TRUE(covers("*.a.org:80", "*.a.org:80"));
  EXPECT_TRUE(covers("10.0.0.0/8:80", "10.1.0.0/16:80"));
  EXPECT_TRUE(covers("0.0.0.0/0:80", "8.0.0.0/6:80"));
  EXPECT_TRUE(covers("0.0.0.0/0:80", "0.0.0.0/0:80"));
  EXPECT_FALSE(covers("0.0.0.0/0:80", "10.0.0.0/8:80")) << "means public addresses alone";
  EXPECT_FALSE(covers("a.org:80", "a.org:81"));
  EXPECT_FALSE(covers("*.a.org:80", "a.org:80"));
  EXPECT_FALSE(covers("*.a.org:80", "xa.org:80"));
  EXPECT_FALSE(covers("a.org:80", "*.a.org:80"));
  EXPECT_FALSE(covers("*.x.a.org:80", "*.a.org:80"));
  EXPECT_FALSE(covers("10.1.0.0/16:80", "10.0.0.0/8:80"));
  EXPECT_FALSE(covers("10.0.0.0/8:80", "11.0.0.1:80"));
  EXPECT_FALSE(covers("*.a.org:80", "10.0.0.1:80"));
}

TEST(IpAddress, IsTheSameInBothOfItsForms) {
  EXPECT_EQ(IpAddress::parse("::ffff:10.0.0.1"), IpAddress::parse("10.0.0.1"));
  EXPECT_EQ(IpAddress::parse("::ffff:10.0.0.1")->text(), "10.0.0.1");
  for (const char* text :
       {"", "10.0.0", "10.0.0.1.2", "010.0.0.1", "1e1", "::1%lo", "[::1]", "::g"}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
}

TEST(IpRange, ContainsItsAddressesAndNoOthers) {
  const auto range = IpRange::parse("172.16.0.0/12");
  ASSERT_TRUE(range);
  EXPECT_TRUE(range->contains(*IpAddress::parse("172.31.255.255")));
  EXPECT_FALSE(range->contains(*IpAddress::parse("172.32.0.0")));
  EXPECT_TRUE(IpRange::parse("::/0")->contains(*IpAddress::parse("10.0.0.1")));
  EXPECT_FALSE(IpRange::parse("0.0.0.0/0")->contains(*IpAddress::parse("2606:4700::1111")));
}

}  // namespace
}  // namespace stagebox::base
