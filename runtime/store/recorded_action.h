// RecordedAction: a stage key with the messages that it is the digest of, and what they say. Pure.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/store/content/content_types.h"
#include "runtime/store/stage_result.h"

namespace stagebox::store {

/// The messages are those of EncodedAction::new_blobs.
struct RecordedAction {
  Digest key;
  const std::vector<std::string>& messages;
};

/// One input of the workspace: what is stored there.
struct ActionInput {
  std::string path;  ///< in the workspace; "." when it is all of it
  OutputKind kind = OutputKind::kDirectory;
  Digest digest;                            ///< of the file, or of the root of the tree
  Executable executable = Executable::kNo;  ///< of a file
  bool operator==(const ActionInput&) const = default;
};

/// An action in words of ours (ActionSpec).
struct ActionView {
  std::vector<std::string> arguments;
  std::map<std::string, std::string> environment;
  std::vector<std::string> output_paths;
  std::string working_directory;
  std::map<std::string, std::string> platform;
  std::string salt;
  Digest input_root;                ///< of the workspace's Directory message
  std::vector<ActionInput> inputs;  ///< by path
};

/// By digest; the recorded ones outlive it.
using MessageIndex = std::unordered_map<Digest, const std::string*>;
MessageIndex index_messages(const std::vector<std::string>& messages);

/// kCorrupt when the messages are not what the key says.
base::Result<ActionView> view_action(const RecordedAction& recorded);

/// The trees of an action's input root whose Directory messages are not among its own: inputs that
/// are stored trees. For gc. kCorrupt as above.
base::Result<std::vector<Digest>> input_trees(const RecordedAction& action);

}  // namespace stagebox::store
