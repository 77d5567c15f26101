#include "runtime/report/log_excerpt.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <utility>

#include "runtime/base/byte_text.h"

namespace stagebox::report {
namespace {

using base::Result;
using logs::Chunk;
using logs::RecordKind;

constexpr std::int64_t kNanosecondsPerMillisecond = 1'000'000;

std::size_t cost_of(const LogLine& line) { return line.text.size() + kLineCost; }

/// Makes lines of chunks and keeps the last ones.
class TailOfLines {
 public:
  explicit TailOfLines(std::size_t room) : room_(room) {}

  void add(const Chunk& chunk) {
    auto& open = open_line(chunk.kind);
    std::string_view rest = base::text_of(chunk.bytes);
    while (!rest.empty()) {
      const std::size_t end = rest.find('\n');
      extend(open, chunk, rest.substr(0, end));
      if (end == std::string_view::npos) break;
      keep(open);
      rest.remove_prefix(end + 1);
    }
    // Notices have no line break.
    if (chunk.kind == RecordKind::kNotice) keep(open);
  }

  LogExcerpt finish(logs::LogState state) {
    for (auto& line : open_) keep(line);
    excerpt_.state = state;
    return std::move(excerpt_);
  }

 private:
  using OpenLine = std::optional<LogLine>;

  OpenLine& open_line(RecordKind kind) {
    if (kind == RecordKind::kStdout) return open_[0];
    return kind == RecordKind::kStderr ? open_[1] : open_[2];
  }

  static void extend(OpenLine& line, const Chunk& chunk, std::string_view text) {
    if (!line) {
      line = LogLine{chunk.kind, std::nullopt, "", 0};
      if (chunk.time) line->wall_ms = chunk.time->wall / kNanosecondsPerMillisecond;
    }
    const std::size_t taken = std::min(text.size(), kLongestLine - line->text.size());
    line->text += text.substr(0, taken);
    line->cut += text.size() - taken;
  }

  void keep(OpenLine& line) {
    if (!line) return;
    used_ += cost_of(*line);
    excerpt_.lines.push_back(*std::exchange(line, std::nullopt));
    while (used_ > room_) {
      used_ -= cost_of(excerpt_.lines.front());
      excerpt_.lines.pop_front();
      ++excerpt_.left_out;
    }
  }

  std::size_t room_;
  std::size_t used_ = 0;
  std::array<OpenLine, 3> open_;
  LogExcerpt excerpt_;
};

}  // namespace

Result<LogExcerpt> excerpt_of(logs::LogReader& reader, std::size_t room) {
  TailOfLines lines(room);
  for (;;) {
    const auto chunk = TRY(reader.next());
    if (!chunk) break;
    lines.add(*chunk);
  }
  return lines.finish(reader.state());
}

Result<LogExcerpt> excerpt_of(const std::string& path, std::size_t room) {
  logs::LogReader reader = TRY(logs::LogReader::open(path));
  return excerpt_of(reader, room);
}

std::size_t cost_of(const LogExcerpt& excerpt) {
  std::size_t cost = 0;
  for (const LogLine& line : excerpt.lines) cost += cost_of(line);
  return cost;
}

}  // namespace stagebox::report
