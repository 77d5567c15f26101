#include "runtime/store/action.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "runtime/base/printable.h"
#include "runtime/store/content/directory_listing.h"
#include "runtime/store/content/wire_writer.h"

namespace stagebox::store {
namespace {

using base::RelativePath;
using base::Result;

/// The merged input root while it is put together: a leaf is an input, everything else a directory
/// that exists because of what is below it. Depth is bounded by RelativePath (2048 components).
struct Node {
  std::optional<std::variant<InputTree, InputFile>> leaf;
  std::map<std::string, std::unique_ptr<Node>> children;  // sorted by bytes, as REAPI wants
};

base::Error overlap(const RelativePath& at) {
  return base::invalid("the input at " + base::printable(at.display()) +
                       " overlaps another input; inputs must not be inside one another");
}

Result<Node*> descend(Node& root, const RelativePath& at) {
  Node* node = &root;
  for (const std::string& name : at.components()) {
    if (node->leaf) return overlap(at);
    TRY(check_entry_name(name));
    auto& child = node->children[name];
    if (!child) child = std::make_unique<Node>();
    node = child.get();
  }
  return node;
}

Result<void> add_input(Node& root, const InputNode& input) {
  if (input.at.is_self() && std::holds_alternative<InputFile>(input.node)) {
    return base::invalid("a file cannot be the whole workspace; give the input a path in it");
  }
  Node* node = TRY(descend(root, input.at));
  if (node->leaf || !node->children.empty()) return overlap(input.at);
  // An empty workspace root is no other input; a deeper node without children cannot exist yet.
  node->leaf = input.node;
  return {};
}

/// The working directory, made to exist unless an input tree covers it.
Result<void> add_working_directory(Node& root, const RelativePath& at,
                                   const std::vector<InputNode>& inputs) {
  for (const InputNode& input : inputs) {
    if (!input.at.contains(at)) continue;
    if (std::holds_alternative<InputTree>(input.node)) return {};
    return base::invalid("the working directory " + base::printable(at.display()) +
                         " is an input file or inside one");
  }
  TRY(descend(root, at));
  return {};
}

/// Encodes a directory after its children. Recursive: bounded as Node is.
BlobRef encode_node(const Node& node, std::vector<std::string>& blobs) {
  if (node.leaf) {
    const auto& tree = std::get<InputTree>(*node.leaf);
    return {tree.root, tree.size};
  }
  DirectoryListing listing;
  for (const auto& [name, child] : node.children) {
    const InputFile* file = child->leaf ? std::get_if<InputFile>(&*child->leaf) : nullptr;
    if (file != nullptr) {
      listing.files.push_back({name, file->digest, file->size, file->executable});
    } else {
      const BlobRef blob = encode_node(*child, blobs);
      listing.directories.push_back({name, blob.digest, blob.size});
    }
  }
  std::string message = listing.encode();
  const BlobRef ref{base::Sha256::of(message), message.size()};
  blobs.push_back(std::move(message));
  return ref;
}

Result<void> check_text(std::string_view what, std::string_view text) {
  if (base::is_utf8(text) && text.find('\0') == std::string_view::npos) return {};
  return base::invalid(std::string(what) + " " + base::printable(text) +
                       " is not UTF-8 or contains a NUL byte");
}

Result<void> check_environment(const ActionSpec& spec) {
  for (const auto& [name, value] : spec.environment) {
    TRY(check_text("the environment variable", name));
    TRY(check_text("the value of the environment variable", value));
    if (name.empty() || name.find('=') != std::string::npos) {
      return base::invalid("the environment variable " + base::printable(name) +
                           " has no valid name");
    }
  }
  return {};
}

Result<void> check_texts(const ActionSpec& spec) {
  if (spec.arguments.empty()) return base::invalid("a stage needs at least one argument to run");
  for (const std::string& argument : spec.arguments) TRY(check_text("the argument", argument));
  TRY(check_environment(spec));
  for (const RelativePath& path : spec.output_paths) TRY(check_text("the output", path.str()));
  for (const auto& [name, value] : spec.platform) {
    TRY(check_text("the platform property", name));
    TRY(check_text("the value of the platform property", value));
  }
  return {};
}

Result<std::vector<std::string>> sorted_outputs(const ActionSpec& spec) {
  std::vector<std::string> paths;
  paths.reserve(spec.output_paths.size());
  for (const RelativePath& path : spec.output_paths) paths.push_back(path.str());
  std::ranges::sort(paths);
  const auto twice = std::ranges::adjacent_find(paths);
  if (twice == paths.end()) return paths;
  return base::invalid("the output " + base::printable(*twice) + " is declared twice");
}

std::string encode_platform(const ActionSpec& spec) {
  std::string message;
  for (const auto& [name, value] : spec.platform) WireWriter(message).pair(1, name, value);
  return message;
}

Result<std::string> encode_command(const ActionSpec& spec, const RelativePath& directory,
                                   std::string_view platform) {
  const std::vector<std::string> outputs = TRY(sorted_outputs(spec));
  std::string message;
  WireWriter out(message);
  for (const std::string& argument : spec.arguments) out.bytes(1, argument);
  for (const auto& [name, value] : spec.environment) out.pair(2, name, value);
  // Both here and in the Action: servers before REAPI 2.2 look only here.
  out.bytes_if_any(5, platform);
  out.bytes_if_any(6, directory.str());
  for (const std::string& path : outputs) out.bytes(7, path);
  return message;
}

std::string encode_action_message(const ActionSpec& spec, const BlobRef& command,
                                  const BlobRef& input_root, std::string_view platform) {
  std::string message;
  WireWriter out(message);
  out.digest(1, command.digest, command.size);
  out.digest(2, input_root.digest, input_root.size);
  out.number_if_any(7, spec.do_not_cache ? 1 : 0);
  out.bytes_if_any(9, spec.salt);
  out.bytes_if_any(10, platform);
  return message;
}

Result<RelativePath> parse_working_directory(const std::string& text) {
  if (text.empty()) return RelativePath();
  auto path = RelativePath::parse(text);
  if (!path.ok()) return path.error().with_context("the working directory");
  return path;
}

}  // namespace

Result<EncodedAction> encode_action(const ActionSpec& spec) {
  TRY(check_texts(spec));
  const RelativePath directory = TRY(parse_working_directory(spec.working_directory));
  Node root;
  for (const InputNode& input : spec.inputs) TRY(add_input(root, input));
  TRY(add_working_directory(root, directory, spec.inputs));

  EncodedAction encoded;
  const BlobRef input_root = encode_node(root, encoded.new_blobs);
  const std::string platform = encode_platform(spec);
  std::string command = TRY(encode_command(spec, directory, platform));
  const BlobRef command_ref{base::Sha256::of(command), command.size()};
  std::string action = encode_action_message(spec, command_ref, input_root, platform);
  encoded.action = base::Sha256::of(action);
  encoded.command = command_ref.digest;
  encoded.input_root = input_root.digest;
  encoded.action_size = action.size();
  encoded.command_size = command_ref.size;
  encoded.input_root_size = input_root.size;
  encoded.new_blobs.push_back(std::move(command));
  encoded.new_blobs.push_back(std::move(action));
  return encoded;
}

}  // namespace stagebox::store
