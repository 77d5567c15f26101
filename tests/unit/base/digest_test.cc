#include "runtime/base/digest.h"

#include <gtest/gtest.h>

namespace stagebox::base {
namespace {

// FIPS 180-4 examples.
constexpr char kOfAbc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr char kOfNothing[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

TEST(Digest, HashesTheStandardsExamples) {
  EXPECT_EQ(Sha256::of("abc").hex(), kOfAbc);
  EXPECT_EQ(Sha256::of("").hex(), kOfNothing);
}

TEST(Digest, IsTheSameInPiecesAndStartsOver) {
  Sha256 hasher;
  hasher.update("a");
  hasher.update("bc");
  EXPECT_EQ(hasher.finish().hex(), kOfAbc);
  EXPECT_EQ(hasher.finish().hex(), kOfNothing);
}

TEST(Digest, ReadsWhatItWrites) {
  const Digest digest = Sha256::of("x");
  EXPECT_EQ(Digest::from_hex(digest.hex()).value(), digest);
  EXPECT_EQ(Digest::from_oci(digest.oci()).value(), digest);
}

TEST(Digest, RefusesWhatCouldBeAPath) {
  EXPECT_FALSE(Digest::from_hex("").ok());
  EXPECT_FALSE(Digest::from_hex("../../../etc/passwd").ok());
  std::string upper(kOfAbc);
  upper[0] = 'B';
  EXPECT_FALSE(Digest::from_hex(upper).ok());
  EXPECT_FALSE(Digest::from_oci("sha512:" + std::string(kOfAbc)).ok());
  EXPECT_FALSE(Digest::from_oci(kOfAbc).ok());
}

}  // namespace
}  // namespace stagebox::base
