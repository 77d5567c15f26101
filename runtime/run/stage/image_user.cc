#include "runtime/run/stage/image_user.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <sstream>

#include "runtime/base/files.h"
#include "runtime/base/parse_number.h"

namespace stagebox::run {
namespace {

using base::Result;
using base::UniqueFd;

// Larger ones have been used to exhaust whoever reads them.
constexpr std::size_t kMaxAccountFile = std::size_t{1} << 20;

using Fields = std::vector<std::string>;

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

// The file as the stage would see it: from the uppermost layer that has something of this name. A
// link, a device or a FIFO there counts as an empty file.
std::vector<Fields> read_account_file(const std::vector<UniqueFd>& layers,
                                      const std::string& path) {
  for (const UniqueFd& layer : layers) {
    const auto found =
        base::open_beneath(layer.get(), path, O_PATH | O_NOFOLLOW, base::Links::kRefuse);
    if (!found.ok()) continue;
    const auto status = base::stat_fd(found->get());
    if (!status.ok() || !S_ISREG(status->st_mode)) return {};
    const auto file =
        base::open_beneath(layer.get(), path, O_RDONLY | O_NONBLOCK, base::Links::kRefuse);
    if (!file.ok()) return {};
    const auto content = base::read_all(file->get(), kMaxAccountFile);
    if (!content.ok()) return {};
    std::vector<Fields> entries;
    for (const std::string& line : split(*content, '\n')) entries.push_back(split(line, ':'));
    return entries;
  }
  return {};
}

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// Plain decimal below the end of the range; nothing wraps around.
Result<std::uint32_t> parse_id(std::string_view text, std::uint32_t id_count) {
  const auto value = all_digits(text) ? base::parse_number<std::uint64_t>(text) : std::nullopt;
  if (value && *value < id_count) return static_cast<std::uint32_t>(*value);
  if (value && id_count == 1) {
    return base::unsupported(
        "the stage wants to run as id " + std::string(text) +
        ", but without subordinate ids only root (0) exists in a sandbox; set "
        "user: \"0\", or give this user a range in /etc/subuid and /etc/subgid");
  }
  return base::invalid("the id \"" + std::string(text) + "\" is not a number from 0 to " +
                       std::to_string(id_count - 1));
}

const Fields* find_entry(const std::vector<Fields>& entries, std::size_t column,
                         std::string_view value, std::size_t columns) {
  for (const Fields& entry : entries) {
    if (entry.size() >= columns && entry[column] == value) return &entry;
  }
  return nullptr;
}

class UserResolver {
 public:
  UserResolver(const std::vector<UniqueFd>& layers, std::uint32_t id_count)
      : passwd_(read_account_file(layers, "etc/passwd")),
        group_(read_account_file(layers, "etc/group")),
        id_count_(id_count) {}

  Result<ResolvedUser> resolve(std::string_view user, std::optional<std::string_view> group) const {
    ResolvedUser result;
    const Fields* entry = find_entry(passwd_, all_digits(user) ? 2 : 0, user, 4);
    if (entry == nullptr && !all_digits(user)) {
      return base::invalid("the image's /etc/passwd has no user \"" + std::string(user) + "\"");
    }
    result.ids.uid = TRY(parse_id(entry != nullptr ? (*entry)[2] : user, id_count_));
    if (group) {
      result.ids.gid = TRY(resolve_group(*group));
    } else if (entry != nullptr) {
      result.ids.gid = TRY(parse_id((*entry)[3], id_count_));
    }
    if (entry != nullptr && entry->size() > 5 && (*entry)[5].starts_with('/'))
      result.home = (*entry)[5];
    if (entry != nullptr && !group) result.ids.groups = supplementary((*entry)[0], result.ids.gid);
    return result;
  }

 private:
  Result<std::uint32_t> resolve_group(std::string_view group) const {
    if (all_digits(group)) return parse_id(group, id_count_);
    const Fields* entry = find_entry(group_, 0, group, 3);
    if (entry == nullptr) {
      return base::invalid("the image's /etc/group has no group \"" + std::string(group) + "\"");
    }
    return parse_id((*entry)[2], id_count_);
  }

  // Groups that list the user; entries that are malformed or out of range give nothing.
  std::vector<gid_t> supplementary(const std::string& user, gid_t primary) const {
    constexpr std::size_t kMaxGroups = 64;
    std::vector<gid_t> groups;
    for (const Fields& entry : group_) {
      if (entry.size() < 4 || groups.size() == kMaxGroups) continue;
      for (const std::string& member : split(entry[3], ',')) {
        const auto gid = parse_id(entry[2], id_count_);
        if (member == user && gid.ok() && *gid != primary) groups.push_back(*gid);
      }
    }
    return groups;
  }

  std::vector<Fields> passwd_;
  std::vector<Fields> group_;
  std::uint32_t id_count_;
};

}  // namespace

Result<ResolvedUser> resolve_user(std::string_view text, const std::vector<UniqueFd>& layers,
                                  std::uint32_t id_count) {
  const std::size_t colon = text.find(':');
  const std::string_view user = text.substr(0, colon);
  std::optional<std::string_view> group;
  if (colon != std::string_view::npos) group = text.substr(colon + 1);
  if ((user.empty() && colon != std::string_view::npos) || (group && group->empty())) {
    return base::invalid("the user \"" + std::string(text) +
                         "\" is not of the form name, uid or uid:gid");
  }
  const UserResolver resolver(layers, id_count);
  return resolver.resolve(user.empty() ? "0" : user, group);
}

}  // namespace stagebox::run
