#include "scheduler/file/user_reader.h"

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

bool is_name(std::string_view text) {
  static constexpr std::string_view kFirst =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
  static constexpr std::string_view kMore = "0123456789.-";
  return !text.empty() && text.size() <= 64 && kFirst.find(text[0]) != std::string_view::npos &&
         std::ranges::all_of(text, [](char c) {
           return kFirst.find(c) != std::string_view::npos ||
                  kMore.find(c) != std::string_view::npos;
         });
}

// As the USER of an image may be: USER or USER:GROUP.
std::optional<User> parse_user(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view user = text.substr(0, colon);
  const auto uid = parse_id(user);
  if (!uid && !is_name(user)) return std::nullopt;
  if (colon == std::string_view::npos)
    return uid ? User(NumericUser{*uid, {}}) : User(NamedUser{std::string(text)});
  const std::string_view group = text.substr(colon + 1);
  const auto gid = parse_id(group);
  if (!gid && !is_name(group)) return std::nullopt;
  return uid && gid ? User(NumericUser{*uid, gid}) : User(NamedUser{std::string(text)});
}

constexpr char kForms[] = "`image`, USER or USER:GROUP";

}  // namespace

User read_user(const YamlNode& node, const ValueReader& reader) {
  const auto text = reader.word(node, "`user`", kForms);
  if (!text || *text == "image") return ImageUser{};
  if (auto user = parse_user(*text)) return *user;
  reader.diagnostics().add(
      node.position, "`user` must be " + std::string(kForms) + ", found " + backquoted(*text),
      "USER and GROUP are names in the image, or numbers from 0 to 4294967294");
  return ImageUser{};
}

}  // namespace stagebox::scheduler
