#include "runtime/run/secrets/secrets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

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

TEST_F(SecretsTest, OneVariableMayBeSeveralSecrets) {
  ::setenv("SECRETS_TEST", "value-of-two", 1);
  const auto loaded =
      Secrets::load({{"A", SecretVariable{"SECRETS_TEST"}}, {"B", SecretVariable{"SECRETS_TEST"}}});
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  EXPECT_EQ(loaded->value("A"), "value-of-two");
  EXPECT_EQ(loaded->value("B"), "value-of-two");
  EXPECT_EQ(::getenv("SECRETS_TEST"), nullptr);
}

// What is refused because it has one is more than a line that many a file has.
TEST_F(SecretsTest, LinesOfWhichManyFilesHaveSomeAreNoLeaks) {
  const std::string key =
      "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n";
  const auto loaded = Secrets::load({{"KEY", SecretFile{file(key)}}});
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  const std::string other = "-----BEGIN PRIVATE KEY-----\nanother one";
  EXPECT_EQ(masked(loaded->automaton(), other), "***\nanother one");
  EXPECT_EQ(masked(loaded->leak_automaton(), other), other);
  for (const std::string& leak : {key, std::string("x MIIEvQIBADANBgkqhkiG9w0BAQEFAASC x")})
    EXPECT_THAT(masked(loaded->leak_automaton(), leak), HasSubstr("***")) << leak;
}

TEST_F(SecretsTest, ALongValueIsFoundInAText) {
  ::setenv("SECRETS_TEST", "postgres", 1);
  const auto loaded = Secrets::load({{"LONG", SecretFile{file("0123456789abcdef\n")}},
                                     {"SHORT", SecretVariable{"SECRETS_TEST"}}});
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  EXPECT_EQ(loaded->find_in("--token=0123456789abcdef"), "LONG");
  EXPECT_EQ(loaded->find_in("psql -U postgres"), std::nullopt);
}

TEST_F(SecretsTest, TheFilesOfValuesAreKnown) {
  const std::string path = file("from a file");
  const auto loaded = Secrets::load({{"T", SecretFile{path}}});
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  ASSERT_EQ(loaded->files().size(), 1U);
  EXPECT_EQ(loaded->files()[0].name, "T");
  EXPECT_EQ(loaded->files()[0].inode, status.st_ino);
  EXPECT_EQ(loaded->files()[0].device, status.st_dev);
}

}  // namespace
}  // namespace stagebox::run
