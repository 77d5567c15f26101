#include "runtime/run/log_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "runtime/base/files.h"

namespace stagebox::run {

using base::Result;
using base::UniqueFd;

namespace {

// "STAGE", "STAGE.2" and so on.
std::string stem_of(const std::string& stage, unsigned number) {
  std::string stem = stage;
  if (number > 1) stem.append(".").append(std::to_string(number));
  return stem;
}

}  // namespace

Result<LogFile> LogFile::create(int dir_fd, const std::string& stage, const std::string& dir_path) {
  constexpr int kFlags = O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW;
  for (unsigned number = 1;; ++number) {
    std::string stem = stem_of(stage, number);
    const std::string name = stem + ".log";
    UniqueFd file(::openat(dir_fd, name.c_str(), kFlags, 0600));
    std::string path = dir_path;
    path.append("/").append(name);
    if (file) return LogFile(std::move(file), std::move(path), std::move(stem));
    if (errno != EEXIST) return base::errno_error("create the log " + path);
  }
}

Result<void> LogFile::append(std::span<const std::byte> bytes) {
  auto written = base::write_all(file_.get(), bytes);
  if (!written.ok()) return written.error().with_context("write the log " + path_);
  return {};
}

Result<std::string> LogFile::tail(std::size_t count) const {
  const auto size = static_cast<std::size_t>(TRY(base::stat_fd(file_.get())).st_size);
  std::string text(std::min(size, kTailBytes), '\0');
  const ssize_t got =
      ::pread(file_.get(), text.data(), text.size(), static_cast<off_t>(size - text.size()));
  if (got < 0) return base::errno_error("read the log " + path_);
  text.resize(static_cast<std::size_t>(got));
  std::size_t begin = text.size();
  for (std::size_t lines = 0; begin > 0; --begin) {
    if (text[begin - 1] == '\n' && begin != text.size() && ++lines == count) break;
  }
  return text.substr(begin);
}

}  // namespace stagebox::run
