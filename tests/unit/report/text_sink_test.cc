#include "runtime/report/text_sink.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "runtime/base/unique_fd.h"

namespace stagebox::report {
namespace {

using ::testing::HasSubstr;

struct TextSinkTest : ::testing::Test {
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "sink.XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    dir = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(dir); }
  std::filesystem::path dir;
};

TEST_F(TextSinkTest, AFileIsEmptiedFirstAndHasEachWriteAtOnce) {
  const std::string path = dir / "events";
  std::ofstream(path) << "what was there before, and longer";
  auto sink = sink_to_file(path, "events");
  ASSERT_TRUE(sink.ok()) << sink.error().message;
  (*sink)->write("one\n");
  std::ifstream in(path);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "one\n");
  EXPECT_TRUE((*sink)->finish().ok());
}

TEST_F(TextSinkTest, APathThatCannotBeOpenedIsNamed) {
  const auto sink = sink_to_file(dir / "none" / "events", "events");
  ASSERT_FALSE(sink.ok());
  EXPECT_THAT(sink.error().message, HasSubstr("events"));
  EXPECT_THAT(sink.error().message, HasSubstr((dir / "none" / "events").string()));
}

TEST_F(TextSinkTest, AFullDiskIsToldAtTheEnd) {
  auto sink = sink_to_file("/dev/full", "trace");
  ASSERT_TRUE(sink.ok());
  (*sink)->write("x");
  (*sink)->write("y");
  const auto finished = (*sink)->finish();
  ASSERT_FALSE(finished.ok());
  EXPECT_THAT(finished.error().message, HasSubstr("write the trace to"));
}

TEST_F(TextSinkTest, AReaderThatWentAwayDoesNotKillUs) {
  const std::string path = dir / "fifo";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  base::UniqueFd reader(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  auto sink = sink_to_file(path, "events");
  ASSERT_TRUE(sink.ok());
  (*sink)->write("seen");
  std::array<char, 8> buffer{};
  EXPECT_EQ(::read(reader.get(), buffer.data(), buffer.size()), 4);
  reader.reset();
  (*sink)->write("not seen");
  EXPECT_FALSE((*sink)->finish().ok());
}

}  // namespace
}  // namespace stagebox::report
