#include "sandbox/last_words.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <span>
#include <string>

namespace stagebox::sandbox {
namespace {

LastWords read(const std::string& text, std::size_t piece) {
  LastWords words;
  for (std::size_t at = 0; at < text.size(); at += std::min(piece, text.size() - at))
    words.add(std::as_bytes(std::span(text).subspan(at, std::min(piece, text.size() - at))));
  return words;
}

bool say(const std::string& text, std::size_t piece = std::string::npos) {
  return read(text, piece).say_too_many_open_files();
}

bool say_full(const std::string& text, std::size_t piece = std::string::npos) {
  return read(text, piece).say_no_space_left();
}

TEST(LastWords, KnowTheTextOfEachLibrary) {
  EXPECT_TRUE(say("cat: can't open 'x': Too many open files\n"));
  EXPECT_TRUE(say("cat: can't open 'x': No file descriptors available\n"));
  EXPECT_TRUE(say("open x: too many open files"));
  EXPECT_TRUE(say("ooo many ooo many open files"));
  EXPECT_TRUE(say("No file No file descriptors available"));
  EXPECT_FALSE(say(""));
  EXPECT_FALSE(say("cat: can't open 'x': Permission denied\n"));
}

TEST(LastWords, TheWholeMachineIsAnotherMatter) {
  EXPECT_FALSE(say("cat: x: Too many open files in system\n"));
  EXPECT_TRUE(say("cat: x: Too many open files in system\nsh: y: Too many open files\n"));
  EXPECT_TRUE(say("sh: y: Too many open files\ncat: x: Too many open files in system\n"));
  EXPECT_TRUE(say("Too many open files in sys"));
}

TEST(LastWords, AreTheLastOnes) {
  const std::string text = "Too many open files\n";
  EXPECT_TRUE(say(text + std::string(LastWords::kLength - text.size(), '.')));
  EXPECT_FALSE(say(text + std::string(LastWords::kLength, '.')));
  EXPECT_FALSE(say(text + std::string(100 * LastWords::kLength, '.')));
  EXPECT_TRUE(say(std::string(100 * LastWords::kLength, '.') + text));
}

// Wherever it is cut, and wherever in a piece it stands.
TEST(LastWords, AreFoundAtEachPlace) {
  const std::string process = "Too many open files\n";
  const std::string machine = "Too many open files in system\n";
  const std::string musl = "No file descriptors available\n";
  for (std::size_t before = 0; before < 200; ++before) {
    const std::string front(before, 'y');
    const std::string back(200, 'v');
    for (const std::size_t piece : {std::size_t{50}, std::size_t{99}, std::string::npos}) {
      EXPECT_TRUE(say(front + process + back, piece)) << before << ' ' << piece;
      EXPECT_FALSE(say(front + machine + back, piece)) << before << ' ' << piece;
      EXPECT_TRUE(say(front + musl + back, piece)) << before << ' ' << piece;
      EXPECT_TRUE(say(back + machine + process + front, piece)) << before << ' ' << piece;
      EXPECT_TRUE(say(back + process + machine + front, piece)) << before << ' ' << piece;
      EXPECT_FALSE(say(back + machine + front, piece)) << before << ' ' << piece;
    }
  }
}

TEST(LastWords, ComeInPieces) {
  const std::string text = "Too many open files\n";
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, LastWords::kLength}) {
    EXPECT_TRUE(say(std::string(3 * LastWords::kLength, '.') + text, piece)) << piece;
    EXPECT_FALSE(say(text + std::string(3 * LastWords::kLength, '.'), piece)) << piece;
  }
}

TEST(LastWords, TellOfAFullDiskAtEachPlace) {
  EXPECT_TRUE(say_full("dd: error writing 'x': No space left on device\n"));
  EXPECT_TRUE(say_full("Error: ENOSPC: no space left on device, write"));
  EXPECT_FALSE(say_full("dd: error writing 'x': Too many open files\n"));
  EXPECT_FALSE(say("dd: error writing 'x': No space left on device\n"));
  EXPECT_FALSE(say_full("No space left on devic"));
  const std::string full = "No space left on device\n";
  for (std::size_t before = 0; before < 200; ++before) {
    const std::string front(before, 'v');
    const std::string back(200, 'o');
    for (const std::size_t piece : {std::size_t{50}, std::size_t{99}, std::string::npos})
      EXPECT_TRUE(say_full(front + full + back, piece)) << before << ' ' << piece;
  }
  EXPECT_TRUE(say_full(full + std::string(LastWords::kLength - full.size(), '.')));
  EXPECT_FALSE(say_full(full + std::string(LastWords::kLength, '.')));
}

}  // namespace
}  // namespace stagebox::sandbox
