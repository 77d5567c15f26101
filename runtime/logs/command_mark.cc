#include "runtime/logs/command_mark.h"

#include <algorithm>

namespace stagebox::logs {
namespace {

constexpr std::size_t kBlock = 64;

/// Whether a mark begins in the first kBlock bytes of at least one more. Without a branch, so that
/// the compiler makes vector instructions of it: a log can have many colons and many lines.
[[gnu::always_inline]] inline bool has_mark(const char* block) {
  unsigned char found = 0;
  for (std::size_t i = 0; i < kBlock; ++i)
    found |= static_cast<unsigned char>((block[i] == ':') & (block[i + 1] == ':'));
  return found != 0;
}

[[gnu::always_inline]] inline std::size_t skip_blocks(std::string_view text, std::size_t from) {
  while (text.size() - from > kBlock && !has_mark(text.data() + from)) from += kBlock;
  return from;
}

#ifdef __x86_64__
/// With vectors of twice the size, which a program for any processor does not use by itself.
[[gnu::target("avx2")]] std::size_t skip_blocks_by_avx2(std::string_view text, std::size_t from) {
  return skip_blocks(text, from);
}
std::size_t skip_most(std::string_view text, std::size_t from) {
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  return has_avx2 ? skip_blocks_by_avx2(text, from) : skip_blocks(text, from);
}
#else
std::size_t skip_most(std::string_view text, std::size_t from) { return skip_blocks(text, from); }
#endif

}  // namespace

std::size_t find_command_mark(std::string_view text, std::size_t from) {
  return text.find(kCommandMark, skip_most(text, std::min(from, text.size())));
}

}  // namespace stagebox::logs
