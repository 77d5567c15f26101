// LastWords: whether the end of what a sandbox wrote tells of what the kernel keeps no count of.
// Whoever wrote it can lie, about itself: a hint for people, by which nothing is decided.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace stagebox::sandbox {

/// How far one text has been read in what comes letter by letter. Nothing of that is kept: it may
/// be a secret.
class TextMatch {
 public:
  /// `text` is not empty and lives as long as this does.
  explicit constexpr TextMatch(std::string_view text) : text_(text) {}

  /// Whether the text ends with this letter.
  bool add(char letter);
  void restart() { matched_ = 0; }
  [[nodiscard]] std::size_t length() const { return text_.size(); }

 private:
  std::string_view text_;
  std::size_t matched_ = 0;  ///< So many of its first letters were the last ones.
};

class LastWords {
 public:
  LastWords();

  /// What is looked at: some tens of lines, so that a trace of calls may stand after the reason.
  static constexpr std::size_t kLength = 4096;  // bytes

  /// What comes next, in pieces of any size.
  void add(std::span<const std::byte> bytes);

  /// Whether they have the text of the C library (glibc, musl) or of Go for EMFILE, errno(3): a
  /// process had as many descriptors as it may. Not that for ENFILE, where the whole machine has
  /// none.
  [[nodiscard]] bool say_too_many_open_files() const;
  /// The same for ENOSPC: a disk had no room. All of them have one text for it.
  [[nodiscard]] bool say_no_space_left() const;

 private:
  void add_letters(std::string_view letters);
  void add_letter(char letter);
  void find_in(std::string_view words);
  /// Letters that are not looked at one by one.
  void skip(std::size_t count);

  TextMatch text_;
  TextMatch machine_text_;
  TextMatch musl_text_;
  TextMatch space_text_;
  std::uint64_t length_ = 0;           ///< Bytes so far.
  std::optional<std::uint64_t> said_;  ///< Where the last such text begins.
  /// The one before that, while the last may still become that for ENFILE.
  std::optional<std::uint64_t> said_before_;
  std::optional<std::uint64_t> said_space_;  ///< Where the last text for ENOSPC begins.
};

}  // namespace stagebox::sandbox
