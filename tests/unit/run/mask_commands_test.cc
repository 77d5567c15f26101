// What a stage asks to be masked while it runs.
#include "runtime/run/secrets/mask_commands.h"

#include <gmock/gmock.h>

namespace stagebox::run {
namespace {

using logs::Stream;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Passing = MaskCommands::Passing;

std::span<const std::byte> bytes_of_text(std::string_view text) {
  return std::as_bytes(std::span(text));
}

class MaskCommandsTest : public ::testing::Test {
 protected:
  // As MaskedLog lets it go on.
  static void add(MaskCommands& commands, std::string_view text, std::string& out,
                  Stream stream = Stream::kStdout) {
    if (commands.pass(stream, bytes_of_text(text)) == Passing::kNot)
      commands.feed(stream, bytes_of_text(text), out);
    else
      out += text;
  }
  // In pieces of that size, as a new attempt.
  std::string shown(std::string_view text, std::size_t piece) {
    AddedMasks masks;
    MaskCommands commands(masks);
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += piece)
      add(commands, text.substr(at, piece), out);
    commands.finish(Stream::kStdout, out, SecretMasker::End::kWhole);
    return out;
  }
  AddedMasks masks_;
  MaskCommands commands_{masks_};
};

TEST_F(MaskCommandsTest, MasksFromTheLineOnHoweverItIsCut) {
  const std::string text =
      "token-4711 before\n  ::add-mask::token-4711\nx token-4711 dG9rZW4tNDcxMQ== y\n"
      "::Add-Mask::two%0Alines-here\r\nlines-here\n::error::token-4711\nstd::string a::b\n:: \n:\n"
      "no::add-mask::middle\nback\r::add-mask::behind\nbehind\n\x1b[1m::add-mask::colour\n"
      "::add-mask::last-one";
  const std::string expected =
      "token-4711 before\n  ::add-mask::***\nx *** ***Q== y\n"
      "::add-mask::***\r\n***\n::error::***\nstd::string a::b\n:: \n:\n"
      "no::add-mask::middle\nback\r::add-mask::***\n***\n\x1b[1m::add-mask::colour\n"
      "::add-mask::***";
  for (const std::size_t piece : {1U, 2U, 3U, 7U, 64U, 1000U})
    EXPECT_EQ(shown(text, piece), expected) << piece;
}

TEST_F(MaskCommandsTest, WhatAsksForNothingGoesOnAsItIs) {
  const auto pass = [this](std::string_view text) {
    return commands_.pass(Stream::kStdout, bytes_of_text(text));
  };
  EXPECT_EQ(pass("words\n"), Passing::kWithoutMarks);
  EXPECT_EQ(pass("std::string\nint: 5\n:"), Passing::kNot) << "a line may begin with a command";
  EXPECT_EQ(pass("std::string\nint: 5\n  "), Passing::kWithMarks);
  EXPECT_EQ(pass("::group::x\n"), Passing::kNot);
  EXPECT_EQ(pass("x ::\n"), Passing::kWithMarks);
  EXPECT_EQ(pass(""), Passing::kWithoutMarks);
}

TEST_F(MaskCommandsTest, BothStreamsAreMasked) {
  std::string out;
  add(commands_, "half of tok", out, Stream::kStderr);
  add(commands_, "::add-mask::token-4711\n", out);
  add(commands_, "en-4711\nand token-", out, Stream::kStderr);
  EXPECT_EQ(out, "half of tok::add-mask::***\nen-4711\nand ") << "what was written before is there";
  EXPECT_TRUE(commands_.holds_any(Stream::kStderr));
  add(commands_, "::add-mask::other-one\n", out);
  add(commands_, "4711 other-one\n", out, Stream::kStderr);
  EXPECT_THAT(out, HasSubstr("and ::add-mask::***\n*** ***\n"));
  EXPECT_FALSE(commands_.holds_any(Stream::kStderr));
}

TEST_F(MaskCommandsTest, ALaterAttemptKnowsThem) {
  std::string out;
  add(commands_, "::add-mask::token-4711\n", out);
  MaskCommands later(masks_);
  out.clear();
  add(later, "token-4711\n", out);
  EXPECT_EQ(out, "***\n");
}

TEST_F(MaskCommandsTest, StoppedCommandsAreText) {
  const std::string text =
      "::stop-commands::abc\n::add-mask::token-4711\n::abc::\n::add-mask::other-one\n"
      "token-4711 other-one\n";
  EXPECT_EQ(shown(text, 5),
            "::stop-commands::abc\n::add-mask::token-4711\n::abc::\n::add-mask::***\n"
            "token-4711 ***\n");
}

TEST_F(MaskCommandsTest, WhatCannotBeMaskedIsSaidOnceEach) {
  std::string out;
  add(commands_, "::add-mask::abc\n::add-mask::\n::add-mask::xyz\n", out);
  EXPECT_EQ(out, "::add-mask::***\n::add-mask::***\n::add-mask::***\n") << "nor is it shown";
  EXPECT_THAT(commands_.take_refusals(), ElementsAre(HasSubstr("shorter than 4 bytes")));
  EXPECT_EQ(commands_.refused_silently(), 2U);
  EXPECT_FALSE(commands_.masks_any());
  for (int i = 0; i < 100; ++i) {
    add(commands_, "::add-mask::value" + std::to_string(i) + "\n", out);
    add(commands_, "::add-mask::value" + std::to_string(i) + "\n", out);
  }
  EXPECT_THAT(commands_.take_refusals(), IsEmpty()) << "one that is known counts once";
  out.clear();
  add(commands_, "::add-mask::once more\nonce more value99\n", out);
  EXPECT_EQ(out, "::add-mask::***\nonce more ***\n");
  EXPECT_THAT(commands_.take_refusals(), ElementsAre(HasSubstr("at most 100 of them")));
}

TEST_F(MaskCommandsTest, ThereIsALimitOfBytesToo) {
  EXPECT_EQ(masks_.add(std::string(AddedMasks::kMostBytes - 10, 'a')), AddedMasks::Answer::kAdded);
  EXPECT_EQ(masks_.add("elevenbytes"), AddedMasks::Answer::kTooMuch);
  EXPECT_EQ(masks_.add("ten bytes."), AddedMasks::Answer::kAdded);
  EXPECT_EQ(masks_.add("a\n\nb\nc\n"), AddedMasks::Answer::kTooShort);
}

// Nobody reads for what it asks, nor what it says.
TEST_F(MaskCommandsTest, ALineThatIsTooLongIsNotShown) {
  const std::string value(200'000, 'v');
  EXPECT_EQ(shown("::add-mask::" + value + "\nnext\n", 999), "::add-mask::***\nnext\n");
  EXPECT_EQ(shown("::error::" + value + "\nnext\n", 999), "::error::" + value + "\nnext\n");
  std::string out;
  add(commands_, "::add-mask::" + value, out);
  EXPECT_THAT(commands_.take_refusals(), ElementsAre(HasSubstr("16 KiB")));
}

TEST_F(MaskCommandsTest, WhatIsMaskedAlreadyIsAskedForInVain) {
  std::string out;
  add(commands_, "::add-mask::***\n", out);
  EXPECT_THAT(commands_.take_refusals(), IsEmpty());
  EXPECT_FALSE(commands_.masks_any());
}

}  // namespace
}  // namespace stagebox::run
