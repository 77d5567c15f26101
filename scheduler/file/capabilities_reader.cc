#include "scheduler/file/capabilities_reader.h"

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/capabilities.h"
#include "scheduler/nearest_name.h"

namespace stagebox::scheduler {
namespace {

constexpr std::string_view kExpected = "`none`, `docker` or a list of names";
constexpr std::string_view kExample = "write for example [CHOWN, SETUID, SETGID]";

std::string hint_for(const std::string& name) {
  constexpr std::string_view kPrefix = "CAP_";
  const std::set<std::string> known = base::capability_names(~std::uint64_t{0});
  std::vector<std::string_view> names;
  for (const std::string& one : known) {
    const std::string_view whole = one;
    names.push_back(name.starts_with(kPrefix) ? whole : whole.substr(kPrefix.size()));
  }
  return name_hint(name, names);
}

std::uint64_t read_list(const YamlNode& node, const Network& network, const ValueReader& reader) {
  std::uint64_t bits = 0;
  for (const PlacedText& item : reader.placed_texts(node, "`capabilities`")) {
    const std::uint64_t bit = base::capability_bit(item.text).value_or(0);
    bits |= bit;
    if (bit == 0) {
      reader.diagnostics().add(item.position, backquoted(item.text) + " is not a capability",
                               hint_for(item.text));
    } else if (network.mode == Network::Mode::kNat && (bit & base::route_capabilities()) != 0) {
      reader.diagnostics().add(item.position,
                               "with " + backquoted(item.text) +
                                   " and `network: nat` the stage could reach addresses that are "
                                   "not public",
                               "leave out one of the two");
    }
  }
  return bits;
}

}  // namespace

std::uint64_t read_capabilities(const YamlNode& node, const Network& network,
                                const ValueReader& reader) {
  if (node.is_sequence()) return read_list(node, network, reader);
  const auto word = reader.word(node, "`capabilities`", kExpected);
  if (!word || *word == "none") return 0;
  if (*word != "docker") {
    reader.mismatch(node, "`capabilities`", kExpected, kExample);
    return 0;
  }
  const std::uint64_t bits = base::docker_capabilities();
  return network.mode == Network::Mode::kNat ? bits & ~base::route_capabilities() : bits;
}

}  // namespace stagebox::scheduler
