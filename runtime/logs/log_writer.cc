#include "runtime/logs/log_writer.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace stagebox::logs {

using base::Result;
using base::UniqueFd;

namespace {

// "STAGE", "STAGE.2" and so on.
std::string stem_of(const std::string& stage, unsigned number) {
  std::string stem = stage;
  if (number > 1) stem.append(".").append(std::to_string(number));
  return stem;
}

struct iovec vector_of(std::span<const std::byte> bytes) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): writev(2) does not write to it.
  return {const_cast<std::byte*>(bytes.data()), bytes.size()};
}

// Both, over short writes.
Result<void> write_both(int fd, std::span<const std::byte> first,
                        std::span<const std::byte> second) {
  while (!first.empty() || !second.empty()) {
    const std::array<struct iovec, 2> parts{vector_of(first), vector_of(second)};
    const ssize_t count = ::writev(fd, parts.data(), static_cast<int>(parts.size()));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return base::errno_error("write");
    const auto written = static_cast<std::size_t>(count);
    const std::size_t of_first = std::min(written, first.size());
    first = first.subspan(of_first);
    second = second.subspan(written - of_first);
  }
  return {};
}

}  // namespace

Result<LogWriter> LogWriter::create(int dir_fd, const std::string& stage,
                                    const std::string& dir_path) {
  constexpr int kFlags = O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW;
  for (unsigned number = 1;; ++number) {
    std::string stem = stem_of(stage, number);
    const std::string name = stem + ".log";
    UniqueFd file(::openat(dir_fd, name.c_str(), kFlags, 0600));
    std::string path = dir_path;
    path.append("/").append(name);
    if (!file && errno == EEXIST) continue;
    if (!file) return base::errno_error("create the log " + path);
    LogWriter writer(std::move(file), std::move(path), std::move(stem));
    TRY(writer.write(encode_file_header(log_time_now()), {}));
    return writer;
  }
}

Result<void> LogWriter::append(Stream stream, std::span<const std::byte> bytes) {
  const RecordKind kind = stream == Stream::kStdout ? RecordKind::kStdout : RecordKind::kStderr;
  while (!bytes.empty()) {
    const auto chunk = bytes.first(std::min(bytes.size(), kMaxChunk));
    TRY(write_record(kind, chunk));
    keep_tail(chunk);
    bytes = bytes.subspan(chunk.size());
  }
  return {};
}

Result<void> LogWriter::notice(std::string_view text) {
  text = text.substr(0, kMaxChunk);
  if (text.empty()) return {};
  return write_record(RecordKind::kNotice, std::as_bytes(std::span(text)));
}

Result<void> LogWriter::end() { return write_record(RecordKind::kEnd, {}); }

Result<void> LogWriter::write_record(RecordKind kind, std::span<const std::byte> content) {
  const auto length = static_cast<std::uint32_t>(content.size());
  return write(encode_record_header({kind, length, log_time_now()}), content);
}

Result<void> LogWriter::write(std::span<const std::byte> header,
                              std::span<const std::byte> content) {
  auto written = write_both(file_.get(), header, content);
  if (written.ok()) {
    size_ += header.size() + content.size();
    return {};
  }
  // Half a record would make what comes after it unreadable.
  (void)::ftruncate(file_.get(), static_cast<off_t>(size_));
  return written.error().with_context("write the log " + path_);
}

void LogWriter::keep_tail(std::span<const std::byte> bytes) {
  const auto kept = bytes.last(std::min(bytes.size(), kTailBytes));
  if (tail_.size() + kept.size() > 2 * kTailBytes)
    tail_.erase(0, std::min(tail_.size(), tail_.size() + kept.size() - kTailBytes));
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes are bytes.
  tail_.append(reinterpret_cast<const char*>(kept.data()), kept.size());
}

std::string LogWriter::tail(std::size_t count) const {
  const std::string_view text =
      std::string_view(tail_).substr(tail_.size() - std::min(tail_.size(), kTailBytes));
  std::size_t begin = text.size();
  for (std::size_t lines = 0; begin > 0; --begin) {
    if (text[begin - 1] == '\n' && begin != text.size() && ++lines == count) break;
  }
  return std::string(text.substr(begin));
}

}  // namespace stagebox::logs
