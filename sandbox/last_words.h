// LastWords: the end of what a sandbox wrote, for what the kernel keeps no count of. Whoever wrote
// it can lie, about itself: a hint for people, by which nothing is decided.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace stagebox::sandbox {

class LastWords {
 public:
  /// What is looked at: some tens of lines, so that a trace of calls may stand after the reason.
  static constexpr std::size_t kLength = 4096;  // bytes

  /// What comes next, in pieces of any size.
  void add(std::span<const std::byte> bytes);

  /// Whether they have the text of the C library (glibc, musl) or of Go for EMFILE, errno(3): a
  /// process had as many descriptors as it may. Not that for ENFILE, where the whole machine has
  /// none.
  [[nodiscard]] bool say_too_many_open_files() const;

 private:
  std::string end_;  ///< Up to twice kLength, so that each byte is moved about once.
};

}  // namespace stagebox::sandbox
