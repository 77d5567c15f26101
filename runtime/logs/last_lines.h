// LastLines: the lines with which what a stage wrote ends, while it is written: each stream's lines
// are its own, as LineAssembler makes them. Of what comes at once only the end is looked at, and of
// a long line only the beginning is kept, so it takes neither time nor room that would be felt.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace stagebox::logs {

/// Which of a stage's two.
enum class Stream { kStdout, kStderr };

struct TailLine {
  Stream stream = Stream::kStdout;
  std::string text;     ///< Without its line break; any bytes.
  bool is_cut = false;  ///< There is more of it.
};

/// In the order in which they ended.
using LogTail = std::vector<TailLine>;

class LastLines {
 public:
  static constexpr std::size_t kMost = 30;
  /// Of each line so much is kept: more than anybody shows of it, with its colours.
  static constexpr std::size_t kLongest = 2048;  // bytes

  void add(Stream stream, std::string_view text);
  /// At most kMost, those without an end too, but no empty lines behind the last that says
  /// something.
  [[nodiscard]] LogTail tail() const;

 private:
  struct Open {
    std::string text;
    bool is_cut = false;
    bool returned = false;  ///< It ends with a carriage return: what comes replaces it.
  };
  void forget(Stream stream);
  void add_lines(Stream stream, std::string_view text);
  void add_blank(Stream stream, std::string_view text);
  void extend(Stream stream, std::string_view text);
  void end_line(Stream stream);
  void keep(Stream stream, std::string_view text, bool is_cut);
  [[nodiscard]] Open& open(Stream stream) { return open_[stream == Stream::kStderr ? 1 : 0]; }

  std::array<TailLine, kMost> lines_;  ///< A ring: their texts keep their memory.
  std::size_t next_ = 0;               ///< Where the next one goes.
  std::size_t count_ = 0;              ///< That have an end. The last one says something.
  std::size_t blank_lines_ = 0;        ///< That came after those.
  std::array<Open, 2> open_;
};

}  // namespace stagebox::logs
