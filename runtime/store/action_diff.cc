#include "runtime/store/action_diff.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace stagebox::store {
namespace {

using base::Result;

/// A recorded action: what it says, and its Directory messages.
struct Side {
  ActionView view;
  MessageIndex messages;
};

Result<Side> side_of(const RecordedAction& recorded) {
  return Side{TRY(view_action(recorded)), index_messages(recorded.messages)};
}

using Values = std::map<std::string, std::string>;

Values outputs_of(const ActionView& action) {
  Values values;
  for (const std::string& path : action.output_paths) values.emplace(path, path);
  return values;
}

std::string joined(const std::vector<std::string>& arguments) {
  std::string text;
  for (const std::string& argument : arguments) text += (text.empty() ? "" : " ") + argument;
  return text;
}

/// "overlay:src" is about the input "src".
std::pair<DifferenceKind, std::string> meaning_of(const std::string& property) {
  static constexpr std::string_view kOverlay = "overlay:";
  if (property == "container-image") return {DifferenceKind::kImage, ""};
  if (property == "network") return {DifferenceKind::kNetwork, ""};
  if (property == "user") return {DifferenceKind::kUser, ""};
  if (property.starts_with(kOverlay))
    return {DifferenceKind::kOverlay, property.substr(kOverlay.size())};
  return {DifferenceKind::kOther, property};
}

std::string described(const FileEntry& file) {
  return "file " + file.digest.hex() + (file.executable == Executable::kYes ? " executable" : "");
}
std::string described(const DirectoryEntry& directory) {
  return "directory " + directory.digest.hex();
}
std::string described(const SymlinkEntry& link) { return "link to " + link.target; }

/// One name in a directory, whatever it is.
struct NamedEntry {
  std::string text;
  const Digest* directory = nullptr;
};

std::map<std::string, NamedEntry> nodes_of(const DirectoryListing& listing) {
  std::map<std::string, NamedEntry> nodes;
  for (const FileEntry& file : listing.files) nodes.emplace(file.name, NamedEntry{described(file)});
  for (const SymlinkEntry& link : listing.symlinks)
    nodes.emplace(link.name, NamedEntry{described(link)});
  for (const DirectoryEntry& directory : listing.directories)
    nodes.emplace(directory.name, NamedEntry{described(directory), &directory.digest});
  return nodes;
}

class Comparison {
 public:
  Comparison(const Side& before, const Side& after, const DirectoryReader& stored,
             std::size_t limit)
      : before_(before), after_(after), stored_(stored), limit_(limit) {}

  Result<ActionDifferences> run() {
    compare_command();
    compare_platform();
    add(DifferenceKind::kSalt, "", before_.view.salt, after_.view.salt);
    TRY(compare_inputs());
    return std::move(result_);
  }

 private:
  void add(DifferenceKind kind, const std::string& name, std::optional<std::string> before,
           std::optional<std::string> after) {
    if (before == after) return;
    if (result_.list.size() == limit_) {
      result_.complete = false;
      return;
    }
    result_.list.push_back({kind, name, std::move(before), std::move(after)});
  }

  void compare_values(
      const Values& before, const Values& after,
      const std::function<std::pair<DifferenceKind, std::string>(const std::string&)>& meaning) {
    std::set<std::string> names;
    for (const auto& [name, value] : before) names.insert(name);
    for (const auto& [name, value] : after) names.insert(name);
    const auto value_in = [](const Values& values, const std::string& name) {
      const auto found = values.find(name);
      return found == values.end() ? std::nullopt : std::optional(found->second);
    };
    for (const std::string& name : names) {
      const auto [kind, shown] = meaning(name);
      add(kind, shown, value_in(before, name), value_in(after, name));
    }
  }

  void compare_command() {
    const ActionView& before = before_.view;
    const ActionView& after = after_.view;
    if (before.arguments != after.arguments)
      add(DifferenceKind::kCommand, "", joined(before.arguments), joined(after.arguments));
    compare_values(before.environment, after.environment, [](const std::string& name) {
      return std::pair(DifferenceKind::kVariable, name);
    });
    compare_values(outputs_of(before), outputs_of(after), [](const std::string& name) {
      return std::pair(DifferenceKind::kOutput, name);
    });
    add(DifferenceKind::kWorkdir, "", before.working_directory, after.working_directory);
  }

  void compare_platform() {
    compare_values(before_.view.platform, after_.view.platform, meaning_of);
  }

  // Where there is no directory, there is nothing in it.
  [[nodiscard]] Result<DirectoryListing> read(const Side& side,
                                              const std::optional<Digest>& digest) const {
    if (!digest) return DirectoryListing();
    const auto own = side.messages.find(*digest);
    return own == side.messages.end() ? stored_(*digest) : DirectoryListing::decode(*own->second);
  }

  struct Pair {
    std::string path;
    std::optional<Digest> before;
    std::optional<Digest> after;
  };

  static std::optional<std::string> described_directory(const std::optional<Digest>& digest) {
    return digest ? std::optional("directory " + digest->hex()) : std::nullopt;
  }

  /// Equal directories are not even read. Breadth first, without recursion.
  Result<void> compare_inputs() {
    std::vector<Pair> pending;
    if (before_.view.input_root != after_.view.input_root)
      pending.push_back({"", before_.view.input_root, after_.view.input_root});
    for (std::size_t i = 0; i < pending.size() && result_.complete; ++i) {
      const Pair pair = pending[i];
      const auto before = read(before_, pair.before);
      const auto after = read(after_, pair.after);
      if (before.ok() && after.ok()) {
        compare_directories(pair.path, *before, *after, pending);
        continue;
      }
      const base::Error& error = before.ok() ? after.error() : before.error();
      if (error.kind == base::ErrorKind::kSystem) return error;
      add(DifferenceKind::kInput, pair.path.empty() ? "." : pair.path,
          described_directory(pair.before), described_directory(pair.after));
    }
    return {};
  }

  void compare_directories(const std::string& path, const DirectoryListing& before,
                           const DirectoryListing& after, std::vector<Pair>& pending) {
    const auto old_nodes = nodes_of(before);
    const auto new_nodes = nodes_of(after);
    const auto path_of = [&path](const std::string& name) {
      return path.empty() ? name : path + "/" + name;
    };
    for (const auto& [name, node] : old_nodes) {
      const auto other = new_nodes.find(name);
      if (other == new_nodes.end()) {
        const std::string at = path_of(name);
        if (!is_made_only(before_, at, node))
          add(DifferenceKind::kInput, at, node.text, std::nullopt);
        else
          pending.push_back({at, *node.directory, std::nullopt});
      } else if (node.text == other->second.text) {
        continue;
      } else if (node.directory != nullptr && other->second.directory != nullptr) {
        pending.push_back({path_of(name), *node.directory, *other->second.directory});
      } else {
        add(DifferenceKind::kInput, path_of(name), node.text, other->second.text);
      }
    }
    for (const auto& [name, node] : new_nodes) {
      if (old_nodes.contains(name)) continue;
      const std::string at = path_of(name);
      if (!is_made_only(after_, at, node))
        add(DifferenceKind::kInput, at, std::nullopt, node.text);
      else
        pending.push_back({at, std::nullopt, *node.directory});
    }
  }

  /// Whether it is no input, but was made for those in it, or to be the working directory.
  static bool is_made_only(const Side& side, const std::string& path, const NamedEntry& node) {
    if (node.directory == nullptr || !side.messages.contains(*node.directory)) return false;
    const bool is_empty = *node.directory == base::Sha256::of("");
    return !is_empty || path == side.view.working_directory;
  }

  const Side& before_;
  const Side& after_;
  const DirectoryReader& stored_;
  std::size_t limit_;
  ActionDifferences result_;
};

}  // namespace

std::string_view to_string(DifferenceKind kind) {
  switch (kind) {
    case DifferenceKind::kCommand:
      return "command";
    case DifferenceKind::kVariable:
      return "variable";
    case DifferenceKind::kOutput:
      return "output";
    case DifferenceKind::kWorkdir:
      return "workdir";
    case DifferenceKind::kImage:
      return "image";
    case DifferenceKind::kNetwork:
      return "network";
    case DifferenceKind::kUser:
      return "user";
    case DifferenceKind::kSalt:
      return "salt";
    case DifferenceKind::kOverlay:
      return "overlay";
    case DifferenceKind::kInput:
      return "input";
    case DifferenceKind::kOther:
      break;
  }
  return "other";
}

Result<ActionDifferences> compare_actions(const RecordedAction& before, const RecordedAction& after,
                                          const DirectoryReader& stored, std::size_t limit) {
  const Side old_side = TRY(side_of(before));
  const Side new_side = TRY(side_of(after));
  return Comparison(old_side, new_side, stored, limit).run();
}

}  // namespace stagebox::store
