// Fuzzes the masking of secrets: however a text is cut into pieces, what comes out is the same, a
// secret is found, and a text in which none is found is as it was. The first line is the
// secret, the second one says how to cut, the rest is the text.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "runtime/run/secrets/secret_masker.h"
#include "runtime/run/secrets/secret_patterns.h"

namespace {

using stagebox::run::kShortestPattern;

std::string_view take_line(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes are bytes.
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string_view secret = take_line(text);
  const std::string_view cuts = take_line(text);
  if (secret.size() < kShortestPattern || secret.size() > 200) return 0;
  const stagebox::run::SecretAutomaton secrets(stagebox::run::secret_patterns(secret));
  const std::string whole = stagebox::run::masked(secrets, text);

  stagebox::run::SecretMasker masker(secrets);
  std::string pieces;
  std::string_view rest = text;
  for (std::size_t i = 0; !rest.empty(); ++i) {
    const std::size_t wanted = cuts.empty() ? 1 : static_cast<std::uint8_t>(cuts[i % cuts.size()]);
    const std::size_t count = std::clamp<std::size_t>(wanted, 1, rest.size());
    masker.feed(std::as_bytes(std::span(rest.substr(0, count))), pieces);
    rest.remove_prefix(count);
  }
  const bool found = masker.found();
  masker.finish(pieces);
  require(pieces == whole);
  require(found || whole == text);
  const bool plain = secret.find('\r') == std::string_view::npos;
  require(found || !plain || text.find(secret) == std::string_view::npos);
  return 0;
}
