// SecretSieve: it must let no secret through, wherever it stands and whatever line breaks are in
// it; and it must let most of all else through, or it is of no use.
#include "runtime/run/secrets/secret_sieve.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace stagebox::run {
namespace {

SecretSieve sieve(const std::vector<std::string>& texts) {
  SecretPatterns patterns;
  for (const std::string& text : texts) patterns.add_text(text);
  return SecretSieve(patterns);
}

std::size_t idle(const SecretSieve& sieve, std::string_view text) {
  const std::vector<std::uint8_t> bytes(text.begin(), text.end());
  return sieve.idle(bytes);
}

std::string secret(std::size_t length) {
  return std::string("S3cr_t-0f=many+P4rts").substr(0, length);
}

// Of every length, at every distance from the text's beginning and from the line's.
TEST(SecretSieve, StopsAtASecretWhereverItBegins) {
  for (std::size_t length = kShortestPattern; length <= 20; ++length) {
    const SecretSieve of_one = sieve({secret(length)});
    for (std::size_t before = 0; before < 600; ++before) {
      for (const std::string& line :
           {std::string(), std::string(before / 2, '.') + "\n", std::string("\r\n")}) {
        const std::string text =
            line + std::string(before, '.') + secret(length) + std::string(30, '.');
        ASSERT_EQ(idle(of_one, text), line.size() + before) << length;
      }
    }
  }
}

// A secret with `breaks` in each of its places in turn, behind so many other bytes.
void expect_stop_at_broken(std::size_t length, std::size_t before, std::string_view breaks) {
  const SecretSieve of_one = sieve({secret(length)});
  for (std::size_t at = 1; at < length; ++at) {
    std::string broken = secret(length);
    broken.insert(at, breaks);
    const std::string text = std::string(before, '.') + broken + std::string(30, '.');
    ASSERT_EQ(idle(of_one, text), before) << length << " broken at " << at;
  }
}

TEST(SecretSieve, LineBreaksInsideOfASecretDoNotCount) {
  for (std::size_t length = kShortestPattern; length <= 20; ++length) {
    for (std::size_t before = 0; before < 40; ++before) {
      for (const char* breaks : {"\n", "\r\n", "\n\n\n\n\n\n\n\n\n\n\n\n"})
        expect_stop_at_broken(length, before, breaks);
    }
  }
}

TEST(SecretSieve, TheShortestOfSeveralIsFoundAsWell) {
  const SecretSieve of_several = sieve({secret(20), "abcd", "0123456789"});
  for (std::size_t before = 0; before < 40; ++before) {
    const std::string text(before, '.');
    for (const char* one : {"abcd", "0123456789"})
      EXPECT_EQ(idle(of_several, text + one + "...."), before);
  }
}

// The last byte may be the first of a secret, for all that is known.
TEST(SecretSieve, TheLastByteIsNotDecided) {
  const SecretSieve of_one = sieve({secret(12)});
  EXPECT_EQ(idle(of_one, ""), 0U);
  EXPECT_EQ(idle(of_one, "."), 0U);
  for (std::size_t size = 2; size < 600; ++size)
    EXPECT_EQ(idle(of_one, std::string(size, '.')), size - 1);
}

TEST(SecretSieve, OtherTextGoesThrough) {
  const SecretSieve of_one = sieve({secret(20)});
  std::string text;
  for (int i = 0; i < 2000; ++i)
    text += "[" + std::to_string(i) + "/2000] Building module_" + std::to_string(i * 7) + "\n";
  EXPECT_EQ(idle(of_one, text), text.size() - 1);
  const SecretSieve of_none = sieve({});
  EXPECT_EQ(idle(of_none, text), text.size() - 1);
}

}  // namespace
}  // namespace stagebox::run
