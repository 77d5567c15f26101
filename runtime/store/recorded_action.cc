#include "runtime/store/recorded_action.h"

#include <algorithm>
#include <utility>

#include "runtime/store/content/directory_listing.h"
#include "runtime/store/content/reapi_codec.h"

namespace stagebox::store {
namespace {

using base::Result;

base::Error damaged() { return base::corrupt("the recorded messages of a stage key are damaged"); }

struct Place {
  std::string path;  ///< Empty for the workspace itself.
  Digest digest;
};

std::string joined(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "/" + name;
}

std::string shown(const std::string& path) { return path.empty() ? "." : path; }

/// What the Directory messages of the action itself join: files, and trees that are stored.
Result<std::vector<ActionInput>> inputs_of(const MessageIndex& messages, const Digest& root) {
  std::vector<ActionInput> inputs;
  std::vector<Place> pending{{"", root}};
  while (!pending.empty()) {
    const Place place = std::move(pending.back());
    pending.pop_back();
    const auto own = messages.find(place.digest);
    if (own == messages.end()) {
      inputs.push_back({.path = shown(place.path), .digest = place.digest});
      continue;
    }
    const DirectoryListing listing = TRY(DirectoryListing::decode(*own->second));
    for (const FileEntry& file : listing.files) {
      inputs.push_back(
          {joined(place.path, file.name), OutputKind::kFile, file.digest, file.executable});
    }
    for (const DirectoryEntry& directory : listing.directories)
      pending.push_back({joined(place.path, directory.name), directory.digest});
  }
  std::ranges::sort(inputs, {}, &ActionInput::path);
  return inputs;
}

template <typename Message>
Result<void> decode(const MessageIndex& messages, const Digest& digest, Message& message) {
  const auto found = messages.find(digest);
  if (found == messages.end() || !decode_message(message, *found->second)) return damaged();
  return {};
}

}  // namespace

MessageIndex index_messages(const std::vector<std::string>& messages) {
  MessageIndex index;
  for (const std::string& message : messages) index.emplace(base::Sha256::of(message), &message);
  return index;
}

Result<ActionView> view_action(const RecordedAction& recorded) {
  const MessageIndex messages = index_messages(recorded.messages);
  reapi::Action action;
  reapi::Command command;
  TRY(decode(messages, recorded.key, action));
  const BlobRef command_ref = TRY(get_digest(action.command_digest()));
  TRY(decode(messages, command_ref.digest, command));
  const BlobRef root = TRY(get_digest(action.input_root_digest()));
  ActionView view;
  view.arguments.assign(command.arguments().begin(), command.arguments().end());
  for (const auto& variable : command.environment_variables())
    view.environment.emplace(variable.name(), variable.value());
  view.output_paths.assign(command.output_paths().begin(), command.output_paths().end());
  view.working_directory = command.working_directory();
  for (const auto& property : action.platform().properties())
    view.platform.emplace(property.name(), property.value());
  view.salt = action.salt();
  view.input_root = root.digest;
  view.inputs = TRY(inputs_of(messages, root.digest));
  return view;
}

Result<std::vector<Digest>> input_trees(const RecordedAction& action) {
  const ActionView view = TRY(view_action(action));
  std::vector<Digest> trees;
  for (const ActionInput& input : view.inputs) {
    if (input.kind == OutputKind::kDirectory) trees.push_back(input.digest);
  }
  return trees;
}

}  // namespace stagebox::store
