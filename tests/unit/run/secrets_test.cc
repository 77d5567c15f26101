#include "runtime/run/secrets/secrets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <string>

#include "runtime/run/secrets/secret_masker.h"
#include "tests/support/temp_dir.h"

namespace stagebox::run {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class SecretsTest : public ::testing::Test {
 protected:
  std::string file(const std::string& content) const {
    const std::string path = dir_.path("value");
    std::ofstream(path) << content;
    return path;
  }
  [[nodiscard]] std::string failure(const SecretSource& source) const {
    const auto loaded = Secrets::load({{"TOKEN", source}});
    return loaded.ok() ? "" : loaded.error().message;
  }
  testing::TempDir dir_;
};

TEST_F(SecretsTest, ComeFromVariablesAndFiles) {
  ::setenv("SECRETS_TEST", "from-variable", 1);
  const char* in_environment = ::getenv("SECRETS_TEST");
  const auto loaded = Secrets::load(
      {{"A", SecretVariable{"SECRETS_TEST"}}, {"B", SecretFile{file("from-file\n")}}});
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  EXPECT_EQ(loaded->value("A"), "from-variable");
  EXPECT_EQ(loaded->value("B"), "from-file\n");
  EXPECT_EQ(::getenv("SECRETS_TEST"), nullptr);
  EXPECT_EQ(*in_environment, '\0') << "nor is it left where /proc shows it";
  EXPECT_EQ(masked(loaded->automaton(), "from-variable from-file"), "*** ***");
}

TEST_F(SecretsTest, WhatCannotBeUsedIsNamedAndNotShown) {
  EXPECT_THAT(failure(SecretVariable{"NOT_SET_AT_ALL"}),
              HasSubstr("the secret TOKEN: its variable is not set"));
  EXPECT_THAT(failure(SecretFile{dir_.path("nowhere")}), HasSubstr("the secret TOKEN"));
  EXPECT_THAT(failure(SecretFile{file("k3y")}), HasSubstr("shorter than 4 bytes"));
  EXPECT_THAT(failure(SecretFile{file("k3y")}), Not(HasSubstr("k3y")));
  EXPECT_THAT(failure(SecretFile{file("k3y\n")}), HasSubstr("shorter than 4 bytes"));
  EXPECT_THAT(failure(SecretFile{file("k3y\r\n\n")}), HasSubstr("shorter than 4 bytes"));
  EXPECT_THAT(failure(SecretFile{file("a\nb\r\nc\n")}), HasSubstr("shorter than 4 bytes"));
  EXPECT_EQ(failure(SecretFile{file("k3y!")}), "");
  EXPECT_THAT(failure(SecretFile{file(std::string(Secrets::kMost + 1, 'x'))}),
              HasSubstr("longer than 16 KiB"));
}

// What is accepted is masked: where its lines are too short to be looked for alone, as a whole.
TEST_F(SecretsTest, WhatIsAcceptedIsMasked) {
  for (const std::string content : {"k3y!", "k3y!\n", "ab\ncd\n", "a\n\nbc\nd", "\nk3y!"}) {
    const auto loaded = Secrets::load({{"TOKEN", SecretFile{file(content)}}});
    ASSERT_TRUE(loaded.ok()) << loaded.error().message;
    EXPECT_THAT(masked(loaded->automaton(), content), HasSubstr("***")) << content;
  }
}

}  // namespace
}  // namespace stagebox::run
