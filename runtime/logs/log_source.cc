#include "runtime/logs/log_source.h"

#include <unistd.h>

#include <cerrno>

namespace stagebox::logs {
namespace {

class FileSource final : public LogSource {
 public:
  FileSource(base::UniqueFd file, std::string path)
      : file_(std::move(file)), path_(std::move(path)) {}

  base::Result<std::size_t> read(std::span<std::byte> into, std::uint64_t offset) override {
    ssize_t count = 0;
    do {
      count = ::pread(file_.get(), into.data(), into.size(), static_cast<off_t>(offset));
    } while (count < 0 && errno == EINTR);
    if (count < 0) return base::errno_error("read the log " + path_);
    return static_cast<std::size_t>(count);
  }

 private:
  base::UniqueFd file_;
  std::string path_;
};

}  // namespace

std::unique_ptr<LogSource> file_source(base::UniqueFd file, std::string path) {
  return std::make_unique<FileSource>(std::move(file), std::move(path));
}

}  // namespace stagebox::logs
