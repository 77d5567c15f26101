#include "runtime/run/stage_inputs.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "runtime/base/files.h"

namespace stagebox::run {
namespace {

using base::Result;
using base::UniqueFd;

// The path as a person wrote it, for messages.
std::string shown(const std::string& project, const base::RelativePath& path) {
  return path.is_self() ? project : project + "/" + path.str();
}

Result<store::StoredOutput> store_directory(int fd, const scheduler::HostPath& source,
                                            const std::string& shown_path,
                                            store::ContentStore& store) {
  store::TreeOptions options;
  options.exclude = TRY(store::PathPatterns::parse(source.exclude));
  options.stat_cache_key = shown_path;
  const store::TreeRef tree = TRY(store.put_tree(fd, options));
  return store::StoredOutput{"",        {},        store::OutputKind::kDirectory,
                             tree.root, tree.size, store::Executable::kNo,
                             tree.bytes};
}

Result<store::StoredOutput> store_host_path(const scheduler::HostPath& source, int project_fd,
                                            const std::string& project,
                                            store::ContentStore& store) {
  const std::string path = shown(project, source.path);
  auto opened = base::open_beneath(project_fd, source.path.display(),
                                   O_RDONLY | O_NONBLOCK | O_NOCTTY, base::Links::kFollowBeneath);
  if (!opened.ok()) {
    if (opened.error().errno_value == ENOENT)
      return base::not_found("the input " + path + " does not exist");
    if (opened.error().errno_value == EXDEV) {
      return base::invalid("the input " + path + " is a link that leaves the pipeline's directory");
    }
    return opened.error().with_context("open the input " + path);
  }
  const struct stat status = TRY(base::stat_fd(opened->get()));
  if (S_ISDIR(status.st_mode)) return store_directory(opened->get(), source, path, store);
  if (!S_ISREG(status.st_mode))
    return base::invalid("the input " + path + " is neither a file nor a directory");
  const auto executable =
      (status.st_mode & S_IXUSR) != 0 ? store::Executable::kYes : store::Executable::kNo;
  const store::BlobRef blob = TRY(store.put_file(opened->get(), executable));
  return store::StoredOutput{"",         {},       store::OutputKind::kFile, blob.digest, blob.size,
                             executable, blob.size};
}

}  // namespace

void OutputTable::put(const std::string& stage, std::vector<store::StoredOutput> outputs) {
  const std::scoped_lock lock(mutex_);
  for (store::StoredOutput& output : outputs) {
    std::string name = output.name;
    outputs_.insert_or_assign({stage, std::move(name)}, std::move(output));
  }
}

Result<store::StoredOutput> OutputTable::get(const std::string& stage,
                                             const std::string& output) const {
  const std::scoped_lock lock(mutex_);
  const auto found = outputs_.find({stage, output});
  if (found == outputs_.end()) {
    return base::system_error(
        "take the output " + stage + "." + output + " of a stage that did not run", ENOENT);
  }
  return found->second;
}

Result<std::vector<ResolvedInput>> resolve_inputs(const scheduler::Stage& stage, int project_fd,
                                                  const std::string& project_path,
                                                  const OutputTable& outputs,
                                                  store::ContentStore& store) {
  std::vector<ResolvedInput> resolved;
  for (const scheduler::Input& input : stage.inputs) {
    if (const auto* from = std::get_if<scheduler::FromOutput>(&input.source)) {
      const store::StoredOutput output = TRY(outputs.get(from->stage, from->output));
      resolved.push_back({input, output});
    } else {
      const auto& path = std::get<scheduler::HostPath>(input.source);
      resolved.push_back({input, TRY(store_host_path(path, project_fd, project_path, store))});
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

}  // namespace stagebox::run
