// The published JSON Schema must list exactly the keys that the parser takes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <set>

#include "scheduler/file/keys.h"

namespace stagebox::scheduler {
namespace {

using Json = nlohmann::json;

class Schema : public ::testing::Test {
 protected:
  void SetUp() override {
    std::ifstream file(STAGEBOX_SCHEMA_FILE);
    schema_ = Json::parse(file);
  }

  static void expect_keys(const Json& object, const KeySet& keys) {
    std::set<std::string> listed;
    for (const auto& [key, value] : object.at("properties").items()) {
      listed.insert(key);
      EXPECT_TRUE(value.contains("description") || value.contains("$ref")) << key;
    }
    EXPECT_EQ(listed, std::set<std::string>(keys.known.begin(), keys.known.end())) << keys.owner;
    EXPECT_EQ(object.at("additionalProperties"), false) << keys.owner;
  }

  Json schema_;
};

TEST_F(Schema, ListsTheKeysThatTheParserTakes) {
  EXPECT_EQ(schema_.at("$schema"), "https://json-schema.org/draft/2020-12/schema");
  expect_keys(schema_, kPipelineKeys);
  const Json& parts = schema_.at("$defs");
  expect_keys(parts.at("param"), kParamKeys);
  expect_keys(parts.at("image"), kImageKeys);
  expect_keys(parts.at("defaults"), kDefaultsKeys);
  expect_keys(parts.at("stage"), kStageKeys);
  expect_keys(parts.at("input"), kInputKeys);
  expect_keys(parts.at("output").at("oneOf").at(1), kOutputKeys);
  expect_keys(parts.at("resources"), kResourceKeys);
  expect_keys(parts.at("network").at("oneOf").at(1), kNetworkKeys);
  expect_keys(parts.at("allowFailure").at("oneOf").at(1), kAllowFailureKeys);
  expect_keys(parts.at("cache").at("oneOf").at(1), kCacheKeys);
  expect_keys(parts.at("mutexGroup"), kMutexKeys);
  expect_keys(parts.at("retry"), kRetryKeys);
  expect_keys(parts.at("service"), kServiceKeys);
  expect_keys(parts.at("ready"), kReadyKeys);
  expect_keys(parts.at("tests"), kTestsKeys);
  expect_keys(parts.at("coverage"), kCoverageKeys);
  const Json& secret = parts.at("secrets").at("items");
  expect_keys(secret.at("oneOf").at(1), kSecretKeys);
  expect_keys(parts.at("stage").at("properties").at("caches").at("items"), kCachesKeys);
}

TEST_F(Schema, RefersOnlyToWhatIsThere) {
  std::vector<const Json*> open{&schema_};
  while (!open.empty()) {
    const Json& node = *open.back();
    open.pop_back();
    for (const auto& [key, value] : node.items()) {
      if (key == "$ref") {
        EXPECT_TRUE(schema_.contains(Json::json_pointer(value.get<std::string>().substr(1))))
            << value;
      }
      if (value.is_structured()) open.push_back(&value);
    }
  }
}

}  // namespace
}  // namespace stagebox::scheduler
