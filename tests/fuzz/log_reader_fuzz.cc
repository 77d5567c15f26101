// Fuzzes the reading of logs: no length is believed, how much the file gives at once makes no
// difference, and of what is shown on a terminal an ESC begins nothing but a colour.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>

#include "runtime/logs/line_assembler.h"
#include "runtime/logs/log_reader.h"
#include "runtime/logs/shown_text.h"

namespace {

using namespace stagebox::logs;
using stagebox::base::Result;

void require(bool holds) {
  if (!holds) std::abort();
}

class MemorySource final : public LogSource {
 public:
  MemorySource(std::span<const std::byte> bytes, std::size_t most) : bytes_(bytes), most_(most) {}
  Result<std::size_t> read(std::span<std::byte> into, std::uint64_t offset) override {
    if (offset >= bytes_.size()) return std::size_t{0};
    const auto rest = bytes_.subspan(offset);
    const std::size_t count = std::min({rest.size(), into.size(), most_});
    std::ranges::copy(rest.first(count), into.begin());
    return count;
  }

 private:
  std::span<const std::byte> bytes_;
  std::size_t most_;
};

std::string text_of(std::span<const std::byte> bytes) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes are bytes.
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Every record of the file has a header, and a packed one a limited content.
std::size_t most_content(std::size_t bytes) { return bytes + bytes / kHeaderBytes * kMaxUnpacked; }

// All that is read, with the kind of each chunk, and how it ended.
std::string read(std::span<const std::byte> bytes, std::size_t most, LineAssembler* lines) {
  LogReader reader(std::make_unique<MemorySource>(bytes, most));
  std::string all;
  std::size_t content = 0;
  for (;;) {
    const auto chunk = reader.next();
    if (!chunk.ok() || !*chunk)
      return all + (chunk.ok() ? std::to_string(static_cast<int>(reader.state())) : "error");
    require((*chunk)->bytes.size() <= kMaxChunk && !(*chunk)->bytes.empty());
    content += (*chunk)->bytes.size();
    require(content <= most_content(bytes.size()));
    // How a plain log is cut says nothing.
    if ((*chunk)->time) all += std::to_string(static_cast<int>((*chunk)->kind)) + ":";
    all += text_of((*chunk)->bytes);
    if (lines != nullptr) require(lines->add(**chunk).ok());
  }
}

// The end alone: no more than there is, and nothing that is not the file's.
void read_end(std::span<const std::byte> bytes, std::uint64_t last) {
  LogReader reader(std::make_unique<MemorySource>(bytes, 100));
  if (!reader.skip_to_last(last).ok()) return;
  std::size_t content = 0;
  for (auto chunk = reader.next(); chunk.ok() && *chunk; chunk = reader.next()) {
    require((*chunk)->bytes.size() <= kMaxChunk && !(*chunk)->bytes.empty());
    content += (*chunk)->bytes.size();
    require(content <= most_content(bytes.size()));
  }
  require(!reader.cut() || reader.offset() > kHeaderBytes);
}

void require_harmless(const std::string& shown) {
  for (std::size_t at = shown.find('\x1b'); at != std::string::npos;
       at = shown.find('\x1b', at + 1)) {
    const std::size_t end = shown.find_first_not_of("0123456789;:", at + 2);
    require(end != std::string::npos && shown[at + 1] == '[' && shown[end] == 'm');
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  ShownText text(Showing::kColours);
  LineAssembler lines([&text](const Line& line) -> Result<void> {
    require(line.text.size() <= LineAssembler::kMaxPiece);
    std::string shown;
    text.append(shown, line.text);
    require_harmless(shown);
    return {};
  });
  const std::string whole = read(bytes, bytes.size() + 1, &lines);
  require(lines.finish().ok());
  require(read(bytes, 7, nullptr) == whole);
  read_end(bytes, 0);
  read_end(bytes, bytes.size() / 2);
  return 0;
}
