#include "sandbox/seccomp/filter_answer.h"

#include <cstddef>
#include <cstring>

namespace stagebox::sandbox {
namespace {

// How many instructions a jump skips.
std::optional<std::size_t> jump_of(const sock_filter& step, std::uint32_t accumulator) {
  if (BPF_CLASS(step.code) != BPF_JMP || BPF_SRC(step.code) != BPF_K) return std::nullopt;
  switch (BPF_OP(step.code)) {
    case BPF_JA:
      return step.k;
    case BPF_JEQ:
      return accumulator == step.k ? step.jt : step.jf;
    case BPF_JGT:
      return accumulator > step.k ? step.jt : step.jf;
    case BPF_JGE:
      return accumulator >= step.k ? step.jt : step.jf;
    case BPF_JSET:
      return (accumulator & step.k) != 0 ? step.jt : step.jf;
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<std::uint32_t> filter_answer(std::span<const sock_filter> program,
                                           const struct seccomp_data& call) {
  constexpr std::size_t kLastWord = sizeof(call) - sizeof(std::uint32_t);
  std::uint32_t accumulator = 0;
  // Jumps go forward only, so this ends.
  for (std::size_t at = 0; at < program.size(); ++at) {
    const sock_filter& step = program[at];
    if (step.code == (BPF_LD | BPF_W | BPF_ABS) && step.k <= kLastWord) {
      std::memcpy(&accumulator, reinterpret_cast<const char*>(&call) + step.k, sizeof(accumulator));
    } else if (step.code == (BPF_ALU | BPF_AND | BPF_K)) {
      accumulator &= step.k;
    } else if (step.code == (BPF_RET | BPF_K)) {
      return step.k;
    } else {
      const auto skipped = jump_of(step, accumulator);
      if (!skipped) return std::nullopt;
      at += *skipped;
    }
  }
  return std::nullopt;
}

}  // namespace stagebox::sandbox
