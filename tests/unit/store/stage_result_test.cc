#include "runtime/store/stage_result.h"

#include <gtest/gtest.h>

namespace stagebox::store {
namespace {

using base::ErrorKind;
using base::RelativePath;
using base::Sha256;

StageResult whole_result() {
  StageResult result;
  result.outputs.push_back({.name = "lib",
                            .path = *RelativePath::parse("work/libz.a"),
                            .kind = OutputKind::kFile,
                            .digest = Sha256::of("lib"),
                            .size = 3,
                            .executable = Executable::kYes,
                            .total_bytes = 3});
  result.outputs.push_back({.name = "everything",
                            .path = RelativePath(),
                            .kind = OutputKind::kDirectory,
                            .digest = Sha256::of("root"),
                            .size = 99,
                            .executable = Executable::kNo,
                            .total_bytes = 12345});
  result.tests =
      TestReportRef{.blob = {Sha256::of("tests"), 5}, .passed = 1, .failed = 2, .skipped = 3};
  result.coverage = CoverageRef{.blob = {Sha256::of("coverage"), 7},
                                .lines = 10,
                                .lines_covered = 8,
                                .branches = 4,
                                .branches_covered = 3};
  result.summary = SummaryRef{.blob = {Sha256::of("summary"), 9}, .lines = 12};
  result.run_id = "r1";
  result.log_path = "logs/r1/build";
  result.duration = std::chrono::milliseconds(1234);
  result.ended_at = decltype(result.ended_at)(std::chrono::milliseconds(1'700'000'000'123));
  return result;
}

TEST(StageResult, RoundTrip) {
  const auto encoded = whole_result().encode();
  ASSERT_TRUE(encoded.ok());
  const auto decoded = StageResult::decode(*encoded);
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  EXPECT_EQ(*decoded, whole_result());
}

TEST(StageResult, TwoOutputsNeedTwoNamesAndTwoPaths) {
  StageResult same_path = whole_result();
  same_path.outputs[1].path = same_path.outputs[0].path;
  EXPECT_EQ(same_path.encode().error().kind, ErrorKind::kInvalid);
  StageResult same_name = whole_result();
  same_name.outputs[1].name = same_name.outputs[0].name;
  EXPECT_EQ(same_name.encode().error().kind, ErrorKind::kInvalid);
}

TEST(StageResult, GarbageIsCorrupt) {
  EXPECT_EQ(StageResult::decode("\xFF\xFF").error().kind, ErrorKind::kCorrupt);
  // An output name without content: field 2, {name: "x", path: "p"}.
  EXPECT_EQ(StageResult::decode("\x12\x06\x0A\x01x\x12\x01p").error().kind, ErrorKind::kCorrupt);
  const std::string good = *whole_result().encode();
  for (std::size_t length = 0; length < good.size(); ++length) {
    const auto decoded = StageResult::decode(good.substr(0, length));
    EXPECT_TRUE(!decoded.ok() || *decoded != whole_result()) << length;
  }
}

TEST(StageResult, PathsFromOutsideCannotLeaveTheWorkspace) {
  std::string bytes = *whole_result().encode();
  const std::string inside = "work/libz.a";
  for (std::size_t at = bytes.find(inside); at != std::string::npos; at = bytes.find(inside)) {
    bytes.replace(at, inside.size(), "../../aaaaa");
  }
  EXPECT_EQ(StageResult::decode(bytes).error().kind, ErrorKind::kCorrupt);
}

}  // namespace
}  // namespace stagebox::store
