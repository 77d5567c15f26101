#include "runtime/coverage/source_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/coverage/coverage_printer.h"

namespace stagebox::coverage {
namespace {

using ::testing::ElementsAre;

TEST(SourceFile, Counts) {
  const SourceFiles files{{"a", {{1, true, 2, 1}, {2, false, 0, 0}}}, {"b", {{9, true, 4, 4}}}};
  EXPECT_EQ(count(files),
            (Counts{.lines = 3, .lines_covered = 2, .branches = 6, .branches_covered = 5}));
  EXPECT_EQ(count({}), Counts());
}

TEST(SourceFile, MeasurementsOfAFileAreUnited) {
  EXPECT_THAT(lines_of(unite({{"b", {{1, false, 0, 0}}},
                              {"a", {{1, false, 2, 1}, {3, true, 0, 0}}},
                              {"a", {{1, true, 3, 0}, {2, false, 0, 0}, {3, false, 0, 0}}},
                              {"a", {}}})),
              ElementsAre("a: 1(1/3) -2 3", "b: -1"));
}

}  // namespace
}  // namespace stagebox::coverage
