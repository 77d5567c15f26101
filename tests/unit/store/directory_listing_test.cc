#include "runtime/store/content/directory_listing.h"

#include <gtest/gtest.h>

namespace stagebox::store {
namespace {

Digest digest_of(std::string_view text) { return base::Sha256::of(text); }

DirectoryListing sample() {
  DirectoryListing listing;
  listing.files.push_back({"a", digest_of("a"), 1, Executable::kNo});
  listing.files.push_back({"run", digest_of("run"), 3, Executable::kYes});
  listing.directories.push_back({"d", digest_of(""), 0});
  listing.symlinks.push_back({"l", "../x"});
  return listing;
}

bool accepted(const DirectoryListing& listing) {
  return DirectoryListing::decode(listing.encode()).ok();
}

TEST(DirectoryListing, RoundTrip) {
  const auto decoded = DirectoryListing::decode(sample().encode());
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  EXPECT_EQ(*decoded, sample());
}

TEST(DirectoryListing, TheEmptyDirectoryIsTheEmptyMessage) {
  EXPECT_EQ(DirectoryListing().encode(), "");
  EXPECT_EQ(*DirectoryListing::decode(""), DirectoryListing());
}

TEST(DirectoryListing, GoldenBytes) {
  DirectoryListing listing;
  listing.symlinks.push_back({"l", "t"});
  // Field 3, length 6: field 1 "l", field 2 "t".
  EXPECT_EQ(listing.encode(), std::string("\x1A\x06\x0A\x01l\x12\x01t"));
}

TEST(DirectoryListing, RefusesNamesThatLeaveTheDirectory) {
  for (const std::string& name :
       {std::string(".."), std::string("."), std::string(), std::string("a/b"),
        std::string("a\0b", 3), std::string(256, 'x')}) {
    DirectoryListing listing;
    listing.files.push_back({name, digest_of("a"), 1, Executable::kNo});
    EXPECT_FALSE(accepted(listing)) << name;
    DirectoryListing linked;
    linked.symlinks.push_back({name, "t"});
    EXPECT_FALSE(accepted(linked)) << name;
  }
}

TEST(DirectoryListing, RefusesWhatIsNotCanonical) {
  DirectoryListing unsorted = sample();
  std::swap(unsorted.files[0], unsorted.files[1]);
  EXPECT_FALSE(accepted(unsorted));
  DirectoryListing twice = sample();
  twice.files.push_back(twice.files.back());
  EXPECT_FALSE(accepted(twice));
  DirectoryListing both = sample();
  both.symlinks[0].name = "a";
  EXPECT_FALSE(accepted(both)) << "a file and a link of one name";
  DirectoryListing no_target = sample();
  no_target.symlinks[0].target.clear();
  EXPECT_FALSE(accepted(no_target));
}

TEST(DirectoryListing, RefusesGarbage) {
  EXPECT_FALSE(DirectoryListing::decode("not a message").ok());
  const std::string bytes = sample().encode();
  for (std::size_t length = 1; length < bytes.size(); ++length) {
    // A cut message either fails or is one of the shorter, valid ones: never more than the whole.
    const auto decoded = DirectoryListing::decode(bytes.substr(0, length));
    EXPECT_TRUE(!decoded.ok() || decoded->encode().size() < bytes.size());
  }
}

TEST(DirectoryListing, RefusesBadDigests) {
  // A file node "a" whose hash is "xyz".
  EXPECT_FALSE(DirectoryListing::decode("\x0A\x0A\x0A\x01"
                                        "a\x12\x05\x0A\x03xyz")
                   .ok());
  // A file node without a digest.
  EXPECT_FALSE(DirectoryListing::decode("\x0A\x03\x0A\x01"
                                        "a")
                   .ok());
}

}  // namespace
}  // namespace stagebox::store
