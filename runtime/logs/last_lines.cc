#include "runtime/logs/last_lines.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "runtime/base/utf8.h"

namespace stagebox::logs {
namespace {

constexpr std::size_t kBlankBlock = 64;
constexpr std::size_t kLongestColour = 64;

constexpr unsigned char says_something(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return static_cast<unsigned char>((byte != ' ') & (static_cast<unsigned char>(byte - '\t') > 4));
}

// Without a branch, so that the compiler makes vector instructions of it.
bool is_blank_block(const char* block) {
  unsigned char found = 0;
  for (std::size_t i = 0; i < kBlankBlock; ++i) found |= says_something(block[i]);
  return found == 0;
}

std::string_view without_blanks(std::string_view text) {
  while (text.size() >= kBlankBlock && is_blank_block(text.data() + text.size() - kBlankBlock))
    text.remove_suffix(kBlankBlock);
  while (!text.empty() && says_something(text.back()) == 0) text.remove_suffix(1);
  return text;
}

// Where a colour begins (ECMA-48 SGR) that ends the text, or the end of the text.
std::size_t begin_of_colour(std::string_view text) {
  if (!text.ends_with('m')) return text.size();
  std::size_t begin = text.size() - 1;
  while (begin > 0 && text.size() - begin < kLongestColour &&
         std::string_view("0123456789;:").find(text[begin - 1]) != std::string_view::npos)
    --begin;
  return text.substr(0, begin).ends_with("\x1b[") ? begin - 2 : text.size();
}

// Where begins what a text ends with and nobody sees.
std::size_t end_of_words(std::string_view text) {
  for (;;) {
    text = without_blanks(text);
    const std::size_t end = begin_of_colour(text);
    if (end == text.size()) return end;
    text = text.substr(0, end);
  }
}

// std::string_view::rfind() looks at one byte after the other.
std::size_t last_of(std::string_view text, char c) {
  const void* found = ::memrchr(text.data(), c, text.size());
  return found == nullptr ? std::string_view::npos
                          : static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

// Some lines at the end may turn out to be empty: a progress display that takes itself back.
constexpr std::size_t kTakenBack = 10;

// Where the last lines begin that may be wanted.
std::size_t begin_of_last(std::string_view text) {
  for (std::size_t lines = 0; lines < LastLines::kMost + kTakenBack; ++lines) {
    const std::size_t end = last_of(text, '\n');
    if (end == std::string_view::npos) return 0;
    text = text.substr(0, end);
  }
  return text.size() + 1;
}

// Neither half a character nor half of a colour is at its end.
std::string beginning_of(std::string_view text, std::size_t limit) {
  std::string kept = base::cut_end(text, limit);
  const std::size_t colour = kept.rfind('\x1b');
  if (colour != std::string::npos &&
      kept.find_first_not_of("[0123456789;:", colour + 1) == std::string::npos)
    kept.erase(colour);
  return kept;
}

}  // namespace

void LastLines::add(Stream stream, std::string_view text) {
  const std::size_t end = end_of_words(text);
  const std::size_t begin = begin_of_last(text.substr(0, end));
  if (begin > 0) forget(stream);
  add_lines(stream, text.substr(begin, end - begin));
  add_blank(stream, text.substr(end));
}

// All lines that have ended, and the stream's that has not.
void LastLines::forget(Stream stream) {
  count_ = 0;
  blank_lines_ = 0;
  open(stream) = Open();
}

void LastLines::add_lines(Stream stream, std::string_view text) {
  for (;;) {
    const std::size_t end = text.find('\n');
    extend(stream, text.substr(0, end));
    if (end == std::string_view::npos) return;
    end_line(stream);
    text.remove_prefix(end + 1);
  }
}

// Of many empty lines no more are counted than are ever told.
void LastLines::add_blank(Stream stream, std::string_view text) {
  const std::size_t first = text.find('\n');
  extend(stream, text.substr(0, first));
  if (first == std::string_view::npos) return;
  end_line(stream);
  const std::size_t last = last_of(text, '\n');
  std::string_view empty = text.substr(first, last - first);
  for (std::size_t i = 0; i < kMost && !empty.empty(); ++i, ++blank_lines_)
    empty = empty.substr(0, std::min(last_of(empty, '\n'), empty.size()));
  extend(stream, text.substr(last + 1));
}

void LastLines::extend(Stream stream, std::string_view text) {
  Open& open = this->open(stream);
  const std::size_t last = text.find_last_not_of('\r');
  const bool returned = last + 1 < text.size();
  text = text.substr(0, last + 1);
  const std::size_t back = last_of(text, '\r');
  if (back != std::string_view::npos || (open.returned && !text.empty())) open = Open();
  if (back != std::string_view::npos) text.remove_prefix(back + 1);
  open.returned = returned || (open.returned && text.empty());
  if (open.is_cut) return;
  const std::size_t room = kLongest - open.text.size();
  open.is_cut = text.size() > room;
  if (open.is_cut)
    open.text += beginning_of(text.substr(0, room + 1), room);
  else
    open.text += text;
}

void LastLines::end_line(Stream stream) {
  Open& open = this->open(stream);
  if (end_of_words(open.text) == 0) {
    ++blank_lines_;
  } else {
    for (std::size_t left = std::min(std::exchange(blank_lines_, 0), kMost); left > 0; --left)
      keep(stream, "", false);
    keep(stream, open.text, open.is_cut);
  }
  open.text.clear();
  open.is_cut = open.returned = false;
}

void LastLines::keep(Stream stream, std::string_view text, bool is_cut) {
  TailLine& line = lines_.at(next_);
  line.stream = stream;
  line.text = text;
  line.is_cut = is_cut;
  next_ = (next_ + 1) % kMost;
  count_ = std::min(count_ + 1, kMost);
}

LogTail LastLines::tail() const {
  LastLines whole = *this;
  for (const Stream stream : {Stream::kStdout, Stream::kStderr}) {
    const Open& open = whole.open(stream);
    if (!open.text.empty() || open.returned) whole.end_line(stream);
  }
  LogTail tail;
  for (std::size_t i = whole.count_; i > 0; --i)
    tail.push_back(std::move(whole.lines_.at((whole.next_ + kMost - i) % kMost)));
  return tail;
}

}  // namespace stagebox::logs
