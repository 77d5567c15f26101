#include "scheduler/user_reader.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/base/parse_number.h"

namespace stagebox::scheduler {
namespace {

// A number that is a valid user or group id; 4294967295 means "none" to the kernel.
std::optional<std::uint32_t> parse_id(std::string_view text) {
  const auto id = base::parse_number<std::uint32_t>(text);
  return id != std::numeric_limits<std::uint32_t>::max() ? id : std::nullopt;
}

bool is_user_name(std::string_view text) {
  static constexpr std::string_view kFirst =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
  static constexpr std::string_view kMore = "0123456789.-";
  return !text.empty() && text.size() <= 64 && kFirst.find(text[0]) != std::string_view::npos &&
         std::ranges::all_of(text, [](char c) {
           return kFirst.find(c) != std::string_view::npos ||
                  kMore.find(c) != std::string_view::npos;
         });
}

}  // namespace

User read_user(const YamlNode& node, const ValueReader& reader) {
  const auto text = reader.word(node, "`user`", "`image`, UID, UID:GID or a name");
  if (!text || *text == "image") return ImageUser{};
  if (is_user_name(*text)) return NamedUser{*text};
  const std::size_t colon = text->find(':');
  const auto uid = parse_id(std::string_view(*text).substr(0, colon));
  const bool has_gid = colon != std::string::npos;
  const auto gid = has_gid ? parse_id(std::string_view(*text).substr(colon + 1)) : std::nullopt;
  if (uid && has_gid == gid.has_value()) return NumericUser{*uid, gid};
  reader.diagnostics().add(
      node.position, "`user` must be `image`, UID, UID:GID or a name, found " + backquoted(*text),
      "ids are numbers from 0 to 4294967294");
  return ImageUser{};
}

}  // namespace stagebox::scheduler
