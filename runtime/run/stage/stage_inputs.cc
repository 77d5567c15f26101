#include "runtime/run/stage/stage_inputs.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "runtime/base/files.h"
#include "runtime/base/path_patterns.h"
#include "runtime/base/printable.h"
#include "runtime/store/content/change_times.h"
#include "runtime/store/content/ignore_file.h"
#include "runtime/store/content/tree_writer.h"

namespace stagebox::run {
namespace {

using base::Result;
using base::UniqueFd;

// The path as a person wrote it, for messages.
std::string shown(const std::string& project, const base::RelativePath& path) {
  return path.is_self() ? project : project + "/" + path.str();
}

// The .gitignore files above an input, up to the pipeline's directory: what is further up is not
// part of the project.
Result<std::vector<store::OuterIgnoreFile>> outer_ignore_files(const InputSource& from,
                                                               const base::RelativePath& input) {
  std::vector<store::OuterIgnoreFile> files;
  const auto components = input.components();
  std::string above;
  for (std::size_t depth = 0; depth < components.size(); ++depth) {
    std::string below;
    for (std::size_t i = depth; i < components.size(); ++i)
      below += (below.empty() ? "" : "/") + components[i];
    const std::string name = above + ".gitignore";
    if (from.witness != nullptr)
      from.witness->look(MemoPlace::Root::kProjectNoLink, name, from.project_fd);
    const auto file = TRY(store::read_ignore_file(from.project_fd, name,
                                                  base::printable(from.project_path + "/" + name)));
    if (file)
      files.push_back({std::move(below), base::PathPatterns::parse_ignore_file(file->text)});
    above += components[depth] + "/";
  }
  std::ranges::reverse(files);
  return files;
}

// Equal for equal walks, so that stages with other patterns do not take each other's memory away.
std::string walk_name(const std::string& path, const scheduler::HostPath& source) {
  std::string name = path + (source.gitignore ? std::string("\0g", 2) : std::string());
  for (const std::string& pattern : source.exclude) name.append(1, '\0').append("-" + pattern);
  for (const std::string& pattern : source.include) name.append(1, '\0').append("+" + pattern);
  return name;
}

Result<store::StoredOutput> store_directory(int fd, const scheduler::HostPath& source,
                                            const InputSource& from) {
  const std::string path = shown(from.project_path, source.path);
  std::vector<std::string> exclude{".git"};
  exclude.insert(exclude.end(), source.exclude.begin(), source.exclude.end());
  store::TreeOptions options;
  options.max_entries = store::WriteLimits().max_entries;  // What a stage could be given.
  options.max_entries_name =
      "of one input; what is in a directory that `exclude` names does not count";
  options.exclude = TRY(base::PathPatterns::parse(exclude));
  options.include = TRY(base::PathPatterns::parse(source.include));
  options.gitignore = source.gitignore;
  if (source.gitignore) options.outer_ignores = TRY(outer_ignore_files(from, source.path));
  options.stat_cache_key = walk_name(path, source);
  options.stop = from.stop;
  options.refused = from.refused;
  store::WalkWitness walk;
  const auto put = from.store.put_tree(fd, options, from.witness != nullptr ? &walk : nullptr);
  if (!put.ok()) return put.error().with_context("the input " + base::printable(path));
  const store::TreeRef tree = *put;
  if (from.witness != nullptr)
    from.witness->see_walk(options.stat_cache_key, source.path.display(), std::move(walk));
  return store::StoredOutput{"",        {},        store::OutputKind::kDirectory,
                             tree.root, tree.size, store::Executable::kNo,
                             tree.bytes};
}

Result<store::StoredOutput> store_host_path(const scheduler::HostPath& source,
                                            const InputSource& from) {
  const std::string path = shown(from.project_path, source.path);
  auto opened = base::open_beneath(from.project_fd, source.path.display(),
                                   O_RDONLY | O_NONBLOCK | O_NOCTTY, base::Links::kFollowBeneath);
  if (!opened.ok()) {
    if (opened.error().errno_value == ENOENT)
      return base::not_found("the input " + path + " does not exist");
    if (opened.error().errno_value == EXDEV) {
      return base::invalid("the input " + path + " " + kInputLeadsOut);
    }
    return opened.error().with_context("open the input " + path);
  }
  const struct stat status = TRY(base::stat_fd(opened->get()));
  if (S_ISDIR(status.st_mode)) return store_directory(opened->get(), source, from);
  if (!S_ISREG(status.st_mode))
    return base::invalid("the input " + path + " is neither a file nor a directory");
  if (const store::RefusedFile* refused = store::find_refused(from.refused, status))
    return base::invalid("the input " + path + " is " + refused->why);
  if (from.witness != nullptr && store::has_change_times(opened->get()))
    from.witness->see_file(source.path.display(), status);
  else if (from.witness != nullptr)
    from.witness->see_walk(path, source.path.display(), {});  // Of which nothing can be said.
  const auto executable =
      (status.st_mode & S_IXUSR) != 0 ? store::Executable::kYes : store::Executable::kNo;
  const store::BlobRef blob = TRY(from.store.put_known_file(
      opened->get(), executable, path + std::string("\0f", 2), {.stop = from.stop}));
  return store::StoredOutput{"",         {},       store::OutputKind::kFile, blob.digest, blob.size,
                             executable, blob.size};
}

}  // namespace

void OutputTable::put(const std::string& stage, std::vector<store::StoredOutput> outputs) {
  const std::scoped_lock lock(mutex_);
  outputs_.insert_or_assign(stage, std::move(outputs));
}

Result<store::StoredOutput> OutputTable::get(const std::string& stage,
                                             const std::string& output) const {
  const std::scoped_lock lock(mutex_);
  const auto outputs = outputs_.find(stage);
  if (outputs != outputs_.end()) {
    const auto found = std::ranges::find(outputs->second, output, &store::StoredOutput::name);
    if (found != outputs->second.end()) return *found;
  }
  return base::system_error(
      "take the output " + stage + "." + output + " of a stage that did not run", ENOENT);
}

Result<std::vector<ResolvedInput>> resolve_inputs(const scheduler::Stage& stage,
                                                  const OutputTable& outputs,
                                                  const InputSource& source) {
  std::vector<ResolvedInput> resolved;
  for (const scheduler::Input& input : stage.inputs) {
    if (const auto* from = std::get_if<scheduler::FromOutput>(&input.source)) {
      const store::StoredOutput output = TRY(outputs.get(from->stage, from->output));
      resolved.push_back({input, output});
    } else {
      const auto& path = std::get<scheduler::HostPath>(input.source);
      resolved.push_back({input, TRY(store_host_path(path, source))});
    }
  }
  return resolved;
}

Result<UniqueFd> open_content(const store::ContentStore& store, const ResolvedInput& input,
                              const store::StageIds& ids) {
  const store::StoredOutput& content = input.content;
  if (content.kind == store::OutputKind::kFile)
    return store.open_file(content.digest, content.executable);
  if (input.input.mode == scheduler::InputMode::kOverlay)
    return store.open_overlay_tree(content.digest, ids);
  return store.open_tree(content.digest);
}

Result<void> copy_overlay_files(const std::vector<ResolvedInput>& inputs,
                                const store::ContentStore& content, sandbox::Scratch& scratch) {
  for (const ResolvedInput& input : inputs) {
    if (input.input.mode != scheduler::InputMode::kOverlay) continue;
    if (input.content.kind != store::OutputKind::kFile) continue;
    const UniqueFd found = TRY(content.open_file(input.content.digest, input.content.executable));
    const UniqueFd file =
        TRY(base::open_path("/proc/self/fd/" + std::to_string(found.get()), O_RDONLY));
    const bool executable = input.content.executable == store::Executable::kYes;
    TRY(scratch.copy_file(input.input.at, file.get(), executable ? 0755 : 0644));
  }
  return {};
}

}  // namespace stagebox::run
