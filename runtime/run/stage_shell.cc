#include "runtime/run/stage_shell.h"

#include <algorithm>
#include <utility>

#include "runtime/run/engine/secret_delivery.h"
#include "runtime/run/stage/image_user.h"
#include "runtime/run/stage/stage_spec.h"

namespace stagebox::run {
namespace {

using base::Digest;
using base::Result;
using store::OutputKind;

Result<void> check_stored(const ResolvedInput& input, const store::ContentStore& content) {
  const auto found = content.check_output(input.content);
  if (found.ok()) return {};
  if (found.error().kind != base::ErrorKind::kNotFound) return found.error();
  return base::not_found("the stage's input " + input.input.at.display() +
                         " is not stored any more; run the stage again");
}

// Whether something can be mounted there: what the stage did to its workspace is in nobody's hands.
Result<bool> has_place(const Digest& root, const ResolvedInput& input,
                       const store::ContentStore& content) {
  Digest directory = root;
  const auto components = input.input.at.components();
  for (std::size_t i = 0; i < components.size(); ++i) {
    const store::DirectoryListing listing = TRY(content.read_directory(directory));
    const bool last = i + 1 == components.size();
    if (last && input.content.kind == OutputKind::kFile)
      return std::ranges::any_of(
          listing.files, [&](const store::FileEntry& file) { return file.name == components[i]; });
    const auto found =
        std::ranges::find(listing.directories, components[i], &store::DirectoryEntry::name);
    if (found == listing.directories.end()) return false;
    directory = found->digest;
  }
  return true;
}

ResolvedInput overlay(base::RelativePath at, const store::KeptTree& tree) {
  ResolvedInput input;
  input.input.at = std::move(at);
  input.input.mode = scheduler::InputMode::kOverlay;
  input.content.kind = OutputKind::kDirectory;
  input.content.digest = tree.root;
  input.content.size = tree.size;
  return input;
}

bool is_overlay(const ResolvedInput& input) {
  return input.input.mode == scheduler::InputMode::kOverlay;
}

const store::KeptTree* find_tree(const store::KeptWorkspace& kept, const std::string& path) {
  const auto tree = std::ranges::find(kept.trees, path, &store::KeptTree::path);
  return tree == kept.trees.end() ? nullptr : &*tree;
}

// Whether it ended in a way after which nothing of it is kept.
bool leaves_nothing(const EndedStage& stage) {
  switch (stage.row.state) {
    case store::StageState::kSucceeded:
    case store::StageState::kCached:
      return true;
    case store::StageState::kCancelled:
    case store::StageState::kError:
      return !stage.workspace;  // An earlier attempt may have failed.
    default:
      return false;
  }
}

// Why what the stage left cannot be shown; empty: it can.
std::string why_fresh(const EndedStage& stage, ShellFiles files,
                      const store::ContentStore& content) {
  if (files == ShellFiles::kAsBegun) return "that was asked for";
  if (leaves_nothing(stage)) return "what a stage leaves is kept only when it fails";
  if (!stage.workspace) return "what the stage left is not kept any more, or never was";
  if (!stage.workspace->missing.empty()) return stage.workspace->missing;
  if (find_tree(*stage.workspace, "") == nullptr) return "what is on record of it is damaged";
  for (const store::KeptTree& tree : stage.workspace->trees) {
    const auto stored = content.check_tree(tree.root);
    if (!stored.ok()) return "what the stage left is not stored any more";
  }
  return "";
}

Result<ShellPlan> plan_as_left(const EndedStage& stage, const store::ContentStore& content) {
  const store::KeptWorkspace& kept = *stage.workspace;
  const store::KeptTree& workspace = *find_tree(kept, "");
  ShellPlan plan;
  plan.is_as_left = true;
  plan.inputs.push_back(overlay(base::RelativePath(), workspace));
  for (const ResolvedInput& input : stage.recorded.inputs) {
    // Its copy lies in the workspace.
    if (is_overlay(input) && input.content.kind == OutputKind::kFile) continue;
    const bool placed = TRY(has_place(workspace.root, input, content));
    if (!placed) {
      plan.notes.push_back("the input " + input.input.at.display() +
                           " is not there: the stage moved its place away");
      continue;
    }
    const store::KeptTree* changed =
        is_overlay(input) ? find_tree(kept, input.input.at.str()) : nullptr;
    plan.inputs.push_back(changed == nullptr ? input : overlay(input.input.at, *changed));
  }
  return plan;
}

}  // namespace

Result<ShellPlan> plan_shell(const EndedStage& stage, ShellFiles files,
                             const store::ContentStore& content) {
  ShellPlan plan;
  const std::string fresh = why_fresh(stage, files, content);
  if (fresh.empty()) {
    plan = TRY(plan_as_left(stage, content));
  } else {
    plan.inputs = stage.recorded.inputs;
    plan.notes.push_back("the workspace is fresh, with the stage's inputs: " + fresh);
  }
  for (const ResolvedInput& input : plan.inputs) TRY(check_stored(input, content));
  return plan;
}

Result<ShellSandbox> make_shell_sandbox(const EndedStage& stage, const ShellPlan& plan,
                                        std::vector<std::string> command,
                                        const images::UsableImage& image, const Secrets& secrets,
                                        const Permit& permit, const store::ContentStore& content,
                                        std::uint32_t id_count,
                                        std::shared_ptr<const sandbox::SeccompProgram> seccomp) {
  const RecordedStage& recorded = stage.recorded;
  const ResolvedUser user = TRY(resolve_user(recorded.user, image.rootfs.layers, id_count));
  StageCommand told = recorded.command;
  told.argv = std::move(command);
  StageSpec spec = make_sandbox_spec(recorded.stage, told, user, plan.inputs, default_rlimits(),
                                     std::move(seccomp));
  ShellSandbox shell{LaunchRequest(permit), {}};
  shell.request.spec = std::move(spec.sandbox);
  shell.request.spec.limits = recorded.limits;
  shell.request.layers = &image.rootfs.layers;
  shell.request.working_directory = WorkingDirectory::kMade;
  const store::StageIds ids{user.ids.uid, user.ids.gid};
  for (const std::size_t index : spec.mounted)
    shell.request.inputs.push_back(TRY(open_content(content, plan.inputs[index], ids)));
  std::ranges::copy_if(plan.inputs, std::back_inserter(shell.copied), is_overlay);
  for (const scheduler::StageSecret& secret : recorded.stage.secrets) {
    if (secrets.has(secret.name)) TRY(add_secret(secret, secrets, shell.request));
  }
  return shell;
}

}  // namespace stagebox::run
