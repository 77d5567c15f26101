#include "runtime/base/trust_domain.h"

#include <gtest/gtest.h>

namespace stagebox::base {
namespace {

TEST(TrustDomain, TextsAreReadBack) {
  EXPECT_EQ(TrustDomain().text(), "trusted");
  EXPECT_EQ(TrustDomain().trust(), Trust::kTrusted);
  const TrustDomain fork = TrustDomain::untrusted("pr-12").value();
  EXPECT_EQ(fork.text(), "untrusted/pr-12");
  EXPECT_EQ(fork.trust(), Trust::kUntrusted);
  EXPECT_EQ(TrustDomain::parse("trusted").value(), TrustDomain());
  EXPECT_EQ(TrustDomain::parse("untrusted/pr-12").value(), fork);
}

TEST(TrustDomain, NoNameMakesOneDomainOfAnother) {
  EXPECT_NE(TrustDomain::untrusted("trusted").value().text(), TrustDomain().text());
  for (const char* name : {"", "a b", "a\nb", "a/b", "../a", ".a", "-a", "\xC3\xA4"})
    EXPECT_FALSE(TrustDomain::untrusted(name).ok()) << name;
  EXPECT_TRUE(TrustDomain::untrusted(std::string(64, 'a')).ok());
  EXPECT_FALSE(TrustDomain::untrusted(std::string(65, 'a')).ok());
  for (const char* text : {"", "Trusted", "trusted/x", "untrusted", "untrusted/", "untrusted/a\n"})
    EXPECT_EQ(TrustDomain::parse(text).error().kind, ErrorKind::kCorrupt) << text;
}

TEST(TrustDomain, OnlyUntrustedOnesReadAnother) {
  EXPECT_TRUE(TrustDomain().also_reads().empty());
  const auto read = TrustDomain::untrusted("a").value().also_reads();
  ASSERT_EQ(read.size(), 1U);
  EXPECT_EQ(read.front(), TrustDomain());
}

}  // namespace
}  // namespace stagebox::base
