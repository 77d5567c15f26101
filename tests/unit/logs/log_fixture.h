// Logs in a directory of the test's own.
#pragma once

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/files.h"
#include "runtime/logs/log_reader.h"
#include "runtime/logs/log_writer.h"
#include "tests/support/temp_dir.h"

namespace stagebox::logs {

inline std::string text_of(std::span<const std::byte> bytes) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes are bytes.
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class LogTest : public ::testing::Test {
 protected:
  LogWriter create(const std::string& stage = "stage") {
    auto writer = LogWriter::create(dir_.fd(), stage, dir_.path());
    EXPECT_TRUE(writer.ok()) << writer.error().message;
    return std::move(*writer);
  }
  static void write(LogWriter& writer, std::string_view text, Stream stream = Stream::kStdout) {
    const auto written = writer.append(stream, std::as_bytes(std::span(text)));
    ASSERT_TRUE(written.ok()) << written.error().message;
    const auto flushed = writer.flush();
    ASSERT_TRUE(flushed.ok()) << flushed.error().message;
  }
  static LogReader open(const std::string& path) {
    auto reader = LogReader::open(path);
    EXPECT_TRUE(reader.ok()) << reader.error().message;
    return std::move(*reader);
  }
  /// "out:text", "err:text" and "note:text" of what can be read now.
  static std::vector<std::string> read(LogReader& reader) {
    std::vector<std::string> chunks;
    for (;;) {
      auto chunk = reader.next();
      EXPECT_TRUE(chunk.ok()) << chunk.error().message;
      if (!chunk.ok() || !*chunk) return chunks;
      chunks.push_back(mark_of((*chunk)->kind) + text_of((*chunk)->bytes));
    }
  }
  /// The same without the marks.
  static std::string text(LogReader& reader) {
    std::string all;
    for (const std::string& chunk : read(reader)) all += chunk.substr(chunk.find(':') + 1);
    return all;
  }
  static std::string mark_of(RecordKind kind) {
    if (kind == RecordKind::kNotice) return "note:";
    return kind == RecordKind::kStderr ? "err:" : "out:";
  }
  [[nodiscard]] std::string content(const std::string& path) const {
    return base::read_file(path, std::size_t{1} << 30).value();
  }
  std::string put(const std::string& name, std::string_view bytes) {
    const auto written = base::replace_file_at(dir_.fd(), name, bytes, 0600, base::Durable::kLater);
    EXPECT_TRUE(written.ok());
    return dir_.path() + "/" + name;
  }

  testing::TempDir dir_;
};

}  // namespace stagebox::logs
