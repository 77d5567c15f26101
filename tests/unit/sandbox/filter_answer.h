// filter_answer: what a compiled system call filter answers to a call, without loading it: an
// interpreter of the few classic BPF instructions that such programs are made of (seccomp(2)).
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <array>
#include <cstdint>
#include <vector>

namespace stagebox::testing {

/// A call of the native architecture. `arguments` that are not told are zero.
struct FilteredCall {
  int number = 0;
  std::array<std::uint64_t, 6> arguments = {};
};

/// SECCOMP_RET_...; fails the test, and answers SECCOMP_RET_ALLOW, for a program that is not one.
std::uint32_t filter_answer(const std::vector<sock_filter>& program, const FilteredCall& call);

constexpr std::uint32_t refused_with(std::uint32_t error) { return SECCOMP_RET_ERRNO | error; }

}  // namespace stagebox::testing
