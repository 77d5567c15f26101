#include "tests/unit/sandbox/filter_answer.h"

#include <gtest/gtest.h>
#include <seccomp.h>

#include <cstring>
#include <optional>

namespace stagebox::testing {
namespace {

// How many instructions a jump skips.
std::optional<std::size_t> jump_of(const sock_filter& step, std::uint32_t accumulator) {
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

std::uint32_t filter_answer(const std::vector<sock_filter>& program, const FilteredCall& call) {
  struct seccomp_data data{};
  data.nr = call.number;
  data.arch = ::seccomp_arch_native();
  for (std::size_t i = 0; i < call.arguments.size(); ++i) data.args[i] = call.arguments[i];
  std::uint32_t accumulator = 0;
  for (std::size_t at = 0; at < program.size(); ++at) {
    const sock_filter& step = program[at];
    if (step.code == (BPF_LD | BPF_W | BPF_ABS) && step.k + sizeof(accumulator) <= sizeof(data)) {
      std::memcpy(&accumulator, reinterpret_cast<const char*>(&data) + step.k, sizeof(accumulator));
    } else if (step.code == (BPF_ALU | BPF_AND | BPF_K)) {
      accumulator &= step.k;
    } else if (step.code == (BPF_RET | BPF_K)) {
      return step.k;
    } else {
      const auto skipped = BPF_CLASS(step.code) == BPF_JMP && BPF_SRC(step.code) == BPF_K
                               ? jump_of(step, accumulator)
                               : std::nullopt;
      if (!skipped) {
        ADD_FAILURE() << "instruction " << at << " has the code " << step.code;
        return SECCOMP_RET_ALLOW;
      }
      at += *skipped;
    }
  }
  ADD_FAILURE() << "the program ends without an answer";
  return SECCOMP_RET_ALLOW;
}

}  // namespace stagebox::testing
