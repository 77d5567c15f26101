// ControlSequence: which bytes of a text a terminal takes for commands (ECMA-48, 5.3, 5.4 and 5.6),
// byte by byte. Who shows a log leaves them out, and who looks for secrets in it must leave out
// exactly the same: two halves of a secret that are shown side by side are the secret.
#pragma once

#include <cstddef>
#include <cstdint>

namespace stagebox::logs {

/// Of one sequence.
class ControlSequence {
 public:
  /// The byte that begins each, ESC.
  static constexpr std::uint8_t kEscape = 0x1B;

  enum class Step {
    kGoesOn,  ///< The byte belongs to it, and more may.
    kEnds,    ///< The byte is its last one.
    kBroken,  ///< It is none with this byte; of what came before, broken_length() bytes go all the
              ///< same, and the rest is text, in which a sequence may begin.
  };
  /// The bytes behind the ESC. A line break belongs to none.
  Step take(std::uint8_t byte);
  /// How many bytes of a sequence without an end are left out, with the ESC.
  [[nodiscard]] std::size_t broken_length() const { return broken_length_; }

 private:
  enum class Kind : std::uint8_t {
    kUnknown,       ///< Nothing but the ESC.
    kShort,         ///< Intermediate bytes and a final one.
    kParameters,    ///< Of a control sequence,
    kIntermediate,  ///< and what follows them.
    kString,        ///< Of a title, a link, a picture, up to ESC \ or BEL.
    kStringEscape,  ///< The ESC.
  };
  Step begin(std::uint8_t byte);
  Step in_string(std::uint8_t byte);

  Kind kind_ = Kind::kUnknown;
  std::size_t length_ = 1;
  std::size_t broken_length_ = 1;
};

}  // namespace stagebox::logs
