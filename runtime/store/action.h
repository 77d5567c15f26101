// The stage key: a stage described as a Remote Execution API action. Pure: everything that decides
// a stage's result goes in, the exact messages and their digests come out; nothing is stored.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "runtime/base/relative_path.h"
#include "runtime/base/result.h"
#include "runtime/store/content/content_types.h"

namespace stagebox::store {

/// A stored tree as an input.
struct InputTree {
  Digest root;
  std::uint64_t size = 0;  ///< of the root's Directory message (TreeRef::size)
};

/// A stored blob as an input.
struct InputFile {
  Digest digest;
  std::uint64_t size = 0;
  Executable executable = Executable::kNo;
};

/// One input and where it sits in the workspace.
struct InputNode {
  base::RelativePath at;
  std::variant<InputTree, InputFile> node;
};

struct ActionSpec {
  std::vector<std::string> arguments;  ///< at least one
  std::map<std::string, std::string> environment;
  std::vector<base::RelativePath> output_paths;  ///< in any order, none twice
  std::string working_directory;                 ///< relative; empty or "." is the workspace
  std::map<std::string, std::string> platform;   ///< Platform properties
  std::vector<InputNode> inputs;                 ///< in any order, none inside another
  std::string salt;                              ///< the trust domain
  bool do_not_cache = false;
};

struct EncodedAction {
  Digest action;  ///< the stage key
  Digest command;
  Digest input_root;
  std::uint64_t action_size = 0;  ///< bytes of the message, as REAPI digests want it
  std::uint64_t command_size = 0;
  std::uint64_t input_root_size = 0;
  /// The messages themselves: Action, Command, and the Directory messages that join the inputs, as
  /// ContentStore::put_blobs takes them.
  std::vector<std::string> new_blobs;
};

/// kInvalid: no arguments, inputs that overlap, a file as the whole workspace, an output twice, a
/// working directory that is not relative or is a file, an empty variable name or one with '=',
/// anything that is not UTF-8 or contains a NUL byte. A working directory that is in no input is
/// added as an empty directory, because REAPI wants it to exist.
base::Result<EncodedAction> encode_action(const ActionSpec& spec);

}  // namespace stagebox::store
