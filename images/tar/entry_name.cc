#include "images/tar/entry_name.h"

#include "images/base/text.h"

namespace stagebox::images {
namespace {

constexpr std::string_view kWhiteoutPrefix = ".wh.";
constexpr std::string_view kAufsPrefix = ".wh..wh.";
constexpr std::string_view kOpaqueName = ".wh..wh..opq";

base::Result<base::RelativePath> normal_path(std::string_view name, const Limits& limits) {
  if (name.empty()) return base::invalid("an entry has no name");
  while (!name.empty() && name.front() == '/') name.remove_prefix(1);
  if (name.empty()) return base::RelativePath();
  auto path = base::RelativePath::parse(name);
  if (!path.ok()) {
    const bool climbs = name.size() <= base::RelativePath::kMaxBytes &&
                        path.error().message.ends_with("contains \"..\"");
    return base::invalid("the name " + quote(name) +
                         (climbs ? " contains \"..\" and leads out of the image"
                                 : " is longer than a file system allows"));
  }
  if (path->components().size() > limits.path_depth) {
    return base::invalid("the name " + quote(name) + " has more than " +
                         std::to_string(limits.path_depth) + " components");
  }
  return path;
}

base::Result<EntryName> parse_whiteout(const base::RelativePath& path) {
  const std::string hidden = path.name().substr(kWhiteoutPrefix.size());
  if (hidden.empty() || hidden == "." || hidden == "..") {
    return base::invalid("the whiteout " + quote(path.str()) + " hides no name");
  }
  const auto name = TRY(base::RelativePath::parse(hidden));
  return EntryName{EntryName::Kind::kWhiteout, path.parent() / name};
}

}  // namespace

base::Result<EntryName> parse_entry_name(std::string_view name, const Limits& limits) {
  const base::RelativePath path = TRY(normal_path(name, limits));
  if (path.name() == kOpaqueName) return EntryName{EntryName::Kind::kOpaque, path.parent()};
  const auto directories = path.parent().components();
  for (const std::string& part : directories) {
    if (part.starts_with(kAufsPrefix)) return EntryName{EntryName::Kind::kIgnored, path};
    if (part.starts_with(kWhiteoutPrefix)) {
      return base::invalid("the name " + quote(name) + " has a whiteout for a directory");
    }
  }
  if (path.name().starts_with(kAufsPrefix)) return EntryName{EntryName::Kind::kIgnored, path};
  if (path.name().starts_with(kWhiteoutPrefix)) return parse_whiteout(path);
  return EntryName{EntryName::Kind::kPlain, path};
}

base::Result<base::RelativePath> parse_link_target(std::string_view name, const Limits& limits) {
  auto path = normal_path(name, limits);
  if (!path.ok()) return path.error().with_context("the target of a hard link");
  return path;
}

}  // namespace stagebox::images
