#include "scheduler/file/allow_failure_reader.h"

#include <string_view>

#include "scheduler/file/keys.h"

namespace stagebox::scheduler {
namespace {

constexpr std::string_view kExitCodesExample = "write for example {exit_codes: [77]}";
constexpr Range<std::uint64_t> kExitCodes{1, 255, "0 is no failure"};

void read_exit_code(const YamlNode& node, const ValueReader& reader, AllowFailure& allowed) {
  if (const auto code = reader.integer(node, "each of the `exit_codes`", kExitCodes))
    allowed.exit_codes.insert(static_cast<int>(*code));
}

}  // namespace

AllowFailure read_allow_failure(const YamlNode& node, const ValueReader& reader) {
  using Which = AllowFailure::Which;
  if (node.is_sequence()) {
    reader.mismatch(node, "`allow_failure`", "true, false or a mapping with `exit_codes`",
                    kExitCodesExample);
    return {};
  }
  if (!node.is_mapping()) {
    const bool all = reader.boolean(node, "`allow_failure`").value_or(false);
    return {.which = all ? Which::kAll : Which::kNone};
  }
  check_keys(node, kAllowFailureKeys, reader.diagnostics());
  const YamlNode* codes = node.find("exit_codes");
  if (codes == nullptr) {
    reader.diagnostics().add(node.position, "`allow_failure` has no `exit_codes`",
                             std::string(kExitCodesExample) + ", or true or false");
    return {};
  }
  if (codes->is_sequence() && codes->items().empty()) {
    reader.diagnostics().add(codes->position, "`exit_codes` names nothing",
                             "name exit codes that are allowed, or write `allow_failure: false`");
    return {};
  }
  AllowFailure allowed{.which = Which::kExitCodes};
  if (!codes->is_sequence()) read_exit_code(*codes, reader, allowed);
  for (const YamlNode* item : codes->items()) read_exit_code(*item, reader, allowed);
  return allowed;
}

}  // namespace stagebox::scheduler
