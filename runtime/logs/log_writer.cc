#include "runtime/logs/log_writer.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "runtime/base/byte_text.h"

namespace stagebox::logs {

using base::Result;
using base::UniqueFd;

namespace {

// Of a stage that wrote much before: what is less is written at once when nothing else waits.
constexpr std::size_t kMostDirect = std::size_t{4} << 10;

// "STAGE", "STAGE.2" and so on.
std::string stem_of(const std::string& stage, unsigned number) {
  std::string stem = stage;
  if (number > 1) stem.append(".").append(std::to_string(number));
  return stem;
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
    auto log = std::make_unique<LogFile>(std::move(file), std::move(path));
    TRY(log->write(encode_file_header(log_time_now()), {}));
    return LogWriter(std::move(log), std::move(stem));
  }
}

Result<void> LogWriter::append(Stream stream, std::span<const std::byte> bytes) {
  const RecordKind kind = stream == Stream::kStdout ? RecordKind::kStdout : RecordKind::kStderr;
  if (bytes.size() > kMaxChunk && packer_ == nullptr) packer_ = LogPacker::start(*file_);
  if (bytes.empty() && packer_ != nullptr) packer_->release();
  while (!bytes.empty()) {
    const auto chunk = bytes.first(std::min(bytes.size(), kMaxChunk));
    TRY(add(kind, chunk));
    between_lines_.at(stream == Stream::kStderr ? 1 : 0) = chunk.back() == std::byte{'\n'};
    last_lines_.add(stream, base::text_of(chunk));
    bytes = bytes.subspan(chunk.size());
  }
  return {};
}

Result<void> LogWriter::add(RecordKind kind, std::span<const std::byte> content) {
  const bool is_direct =
      packer_ == nullptr || (content.size() <= kMostDirect && packer_->is_idle());
  return is_direct ? write_record(kind, content)
                   : packer_->add({kind, 0, {}, between_lines_}, content);
}

std::span<std::byte> LogWriter::room() {
  return packer_ != nullptr ? packer_->room() : std::span<std::byte>();
}

Result<void> LogWriter::flush() { return packer_ != nullptr ? packer_->drain() : Result<void>(); }

Result<void> LogWriter::notice(std::string_view text) {
  text = text.substr(0, kMaxChunk);
  if (text.empty()) return {};
  TRY(flush());
  return write_record(RecordKind::kNotice, std::as_bytes(std::span(text)));
}

Result<void> LogWriter::end() {
  TRY(flush());
  return write_record(RecordKind::kEnd, {});
}

Result<void> LogWriter::write_record(RecordKind kind, std::span<const std::byte> content) {
  const auto length = static_cast<std::uint32_t>(content.size());
  return file_->write(encode_record_header({kind, length, log_time_now(), between_lines_}),
                      content);
}

}  // namespace stagebox::logs
