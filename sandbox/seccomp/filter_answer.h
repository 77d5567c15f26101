// filter_answer: what a compiled system call filter answers to a call, without loading it: an
// interpreter of the few classic BPF instructions that libseccomp's programs are made of
// (seccomp(2)).
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cstdint>
#include <optional>
#include <span>

namespace stagebox::sandbox {

/// SECCOMP_RET_...; none for a program with other instructions, or one that ends without an answer.
std::optional<std::uint32_t> filter_answer(std::span<const sock_filter> program,
                                           const struct seccomp_data& call);

}  // namespace stagebox::sandbox
